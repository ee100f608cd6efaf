"""Good rows and messages for the desk's tests; every test changes the one thing it is about."""

import contextvars
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from lxml import etree
from sqlalchemy import insert, select

from core import accounts
from core.accounts import User
from core.database import db, transaction
from customs import edition, persons, warehouses
from customs.filing_facts import FilingLine, FilingRequest
from customs.models import Declaration, Warehouse, WindowDocument
from customs.window.parties import load_parties
from customs.window.tables import NAMESPACE

NUMBER = "11010519491231002X"
OTHER_NUMBER = "110105199003072936"
YEAR = 2026
LIMIT = 2_600_000
PARTIES = load_parties()
MERCHANT_CODE = "4601960M55"
BONDED = {
    "name": "宁波保税仓",
    "kind": "bonded",
    "mode": "1210",
    "zone": "宁波保税区",
    "customs_code": "3105",
    "port_code": "3105",
    "traf_mode": "7",
    "ems_no": "H310522A0001",
    "area_code": "4601960W77",
    "area_name": "测试保税仓储有限公司",
}


def account() -> uuid.UUID:
    """A fresh account, as one row."""
    found = uuid.uuid4()
    with transaction() as session:
        session.execute(
            insert(User).values(
                id=found,
                email=f"{found}@example.test",
                password="-",
                name="Buyer",
                active=True,
                fs_uniquifier=found.hex,
            )
        )
    return found


def buyer(number: str = NUMBER, name: str = "张三") -> tuple[uuid.UUID, uuid.UUID]:
    """A fresh account that buys for the person of `number`: (account, person)."""
    account_id = account()
    persons.set_identity(account_id, name, number, "13800000000")
    found = persons.identity_of(account_id)
    assert found is not None
    db.session.rollback()
    return account_id, found.person_id


def bonded() -> uuid.UUID:
    """The bonded warehouse, made once."""
    known = db.session.scalars(select(Warehouse.id).where(Warehouse.name == BONDED["name"])).first()
    db.session.rollback()
    return known or uuid.UUID(warehouses.add("test", BONDED)["id"])


def line(**changes) -> FilingLine:
    good = FilingLine(
        sku="SHRIMP-1",
        title_zh="冷冻阿根廷红虾",
        hs="0306179090",
        origin="AR",
        elements=(("品名", "冷冻红虾"), ("品牌", "测试"), ("规格", "1千克/盒")),
        unit="box",
        quantity=Decimal(3),
        goods_fen=9999,
        freight_fen=333,
        insurance_fen=0,
        dutiable_value_fen=10332,
        duty_fen=0,
        additional_duty_fen=0,
        consumption_tax_fen=0,
        vat_fen=651,
        statutory=(Decimal(3),),
        statutory_units=("kg",),
        price=Decimal("33.33"),
        item_record_no="REC-1",
    )
    return replace(good, **changes)


def filing(account_id: uuid.UUID, person_id: uuid.UUID, number: str = "LF2611230001", **changes) -> FilingRequest:
    good = FilingRequest(
        order_number=number,
        account_id=account_id,
        person_id=person_id,
        merchant_id=uuid.UUID("00000000-0000-7000-8000-000000000001"),
        merchant_name="测试商家有限公司",
        merchant_code=MERCHANT_CODE,
        warehouse_id=changes.pop("warehouse_id", None) or bonded(),
        consignee_name="李四",
        consignee_phone="13900000000",
        consignee_address="北京市北京市朝阳区某路1号",
        consignee_district_code="110105",
        lines=(line(),),
        freight_fen=333,
        insurance_fen=0,
        discount_fen=0,
        tax_fen=651,
        paid_fen=9999 + 333 + 651,
        payment_no=f"{number}P",
        paid_at=datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC),
        waybill_no=f"W{number}",
        gross_weight_kg=Decimal("3.6"),
        net_weight_kg=Decimal(3),
        edition=edition.tariff().edition,
        assessed_on=date(2026, 11, 23),
    )
    return replace(good, **changes)


def message(kind: str, node: str, values: dict[str, str], lines: list[dict[str, str]] = (), head: str = "") -> bytes:
    """A receipt as customs writes it, with the default namespace."""
    root = etree.Element(
        f"{{{NAMESPACE}}}CEB{kind}Message",
        {"guid": str(uuid.uuid4()).upper(), "version": "1.0"},
        nsmap={None: NAMESPACE},
    )
    element = etree.SubElement(root, f"{{{NAMESPACE}}}{node}")
    parent = etree.SubElement(element, f"{{{NAMESPACE}}}{head}") if head else element
    for name, text in {"guid": str(uuid.uuid4()).upper(), **values}.items():
        etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text
    for one in lines:
        row = etree.SubElement(element, f"{{{NAMESPACE}}}TaxListRd")
        for name, text in one.items():
            etree.SubElement(row, f"{{{NAMESPACE}}}{name}").text = text
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def at(second: int) -> str:
    """A time of customs, 2026-11-23 12:00 Beijing and so many seconds."""
    return f"202611231{2 + second // 3600}{second // 60 % 60:02d}{second % 60:02d}000"


NODES = {
    "312": "OrderReturn",
    "412": "PaymentReturn",
    "512": "LogisticsReturn",
    "622": "InventoryReturn",
    "624": "InvtCancelReturn",
    "626": "InvtRefundReturn",
}
ANSWER = {"311": "312", "411": "412", "511": "512", "621": "622", "623": "624", "625": "626"}


def receipt(declaration_id: uuid.UUID, document: str, status: str, return_time: str, **more: str) -> bytes:
    """The receipt for a document of ours as it was sent."""
    query = select(WindowDocument).where(
        WindowDocument.declaration_id == declaration_id, WindowDocument.kind == document
    )
    row = db.session.scalars(query.order_by(WindowDocument.id.desc())).first()
    values = {**row.identifiers, **more, "returnStatus": status, "returnTime": return_time, "returnInfo": "said"}
    db.session.rollback()
    if document in ("621", "623", "625"):
        values.setdefault("preNo", "B" + "0" * 17)
    return message(ANSWER[document], NODES[ANSWER[document]], values)


def status_of(declaration_id: uuid.UUID) -> str:
    db.session.rollback()
    found = db.session.scalars(select(Declaration.status).where(Declaration.id == declaration_id)).one()
    db.session.rollback()
    return found


def documents(declaration_id: uuid.UUID) -> dict[str, WindowDocument]:
    db.session.rollback()
    rows = db.session.scalars(select(WindowDocument).where(WindowDocument.declaration_id == declaration_id))
    found = {row.kind: row for row in rows}
    for row in found.values():
        db.session.expunge(row)
    db.session.rollback()
    return found


class Caller:
    """Calls the API as one account, each call in a context of its own as a server would have it."""

    def __init__(self, app, *roles: str, email: str | None = None) -> None:
        self._client = app.test_client()
        self._headers = {}
        self.account_id = None
        if roles:
            actor = accounts.register(email or f"{uuid.uuid4().hex}@example.com", "a long password", "P", roles)
            token, _ = accounts.issue_token(actor)
            self._headers = {"Authorization": f"Bearer {token}"}
            self.account_id = actor.id

    def get(self, path: str, **more):
        return contextvars.Context().run(self._client.get, f"/api/v1{path}", headers=self._headers, **more)

    def post(self, path: str, body=None, **more):
        headers = {**self._headers, **more.pop("headers", {})}
        return contextvars.Context().run(self._client.post, f"/api/v1{path}", json=body, headers=headers, **more)
