"""Ten thousand receipts applied: a whole day's kinds, papers and lists, each of an order in the shop's own books.

Every order gets fifteen: three for each of its papers (declaring, sent, received), then declaring, sent, received,
concluded, released and closed for its list. They lie interleaved by time, as they come on a day. The time is the
processor's: ours by `process_time`, the database's from its processes; the clock's beside them.
"""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text, update

from core.embedded_postgres import create_database, serving

RECEIPTS, EACH = 10_000, 15
TARGET = 1_000
_PAPERS = {
    "312": ("OrderReturn", "<ebpCode>P</ebpCode><ebcCode>C</ebcCode><orderNo>{}</orderNo>"),
    "412": ("PaymentReturn", "<payCode>P</payCode><payTransactionId>{}P</payTransactionId>"),
    "512": ("LogisticsReturn", "<logisticsCode>L</logisticsCode><logisticsNo>W{}</logisticsNo>"),
}
_BATCH = 100
_NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def run(receipts: int = RECEIPTS) -> Iterator[dict[str, Any]]:
    """The figures, on a database of their own."""
    from bench import house

    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as folder:
        var = Path(folder)
        var.chmod(0o711)
        with serving(var) as cluster:
            create_database(cluster, "bench")
            app = house.prepare(house.environment(cluster.url("bench"), var), cluster.conninfo("bench"), 100)
            with app.app_context():
                yield from _figures(receipts)


def _figures(receipts: int) -> Iterator[dict[str, Any]]:
    from customs.receipts import apply_receipts, store

    numbers = _orders(-(-receipts // EACH))
    papers, lists = _papers(numbers), _lists(numbers)
    stored = _timed(lambda: [store(each) for each in papers])
    applied = _timed(apply_receipts)
    _list_them()
    stored = _added(stored, _timed(lambda: [store(each) for each in lists]))
    applied = _added(applied, _timed(apply_receipts))
    count = len(numbers) * EACH
    _check(count)
    for name, (ours, servers, wall) in (("stored", stored), ("applied", applied)):
        yield _figure(f"receipts {name}, a second of our processor", count / ours, name == "applied")
        yield _figure(f"receipts {name}, a second of our processor and the database's", count / (ours + servers), False)
        yield _figure(f"receipts {name}, a second of the clock", count / wall, False)


def _figure(name: str, value: float, aimed: bool) -> dict[str, Any]:
    figure: dict[str, Any] = {"name": name, "value": value, "unit": "receipts/s"}
    if aimed:
        figure |= {"baseline": TARGET, "ratio": value / TARGET, "target": 1.0}
    return figure


def _timed(work: Any) -> tuple[float, float, float]:
    """Seconds of our processor, of the database's processes, and of the clock."""
    started = time.process_time(), _server_seconds(), time.perf_counter()
    work()
    return (
        time.process_time() - started[0],
        _server_seconds() - started[1],
        time.perf_counter() - started[2],
    )


def _added(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (a + b for a, b in zip(one, other, strict=True))
    return first, second, third


def _server_seconds() -> float:
    """What the server's process of our connection has used; the embedded server runs on this machine."""
    from core.database import db, end_read

    pid = db.session.scalar(text("SELECT pg_backend_pid()"))
    end_read()
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _check(count: int) -> None:
    from core.database import db

    rows = db.session.execute(text("SELECT state, count(*) FROM window_receipt GROUP BY 1"))
    states = {state: number for state, number in rows}
    closed = db.session.scalar(text("SELECT count(*) FROM declaration WHERE status = 'closed'"))
    if states != {"applied": count} or closed != count // EACH:
        raise RuntimeError(f"not all were applied: {states}, {closed} closed")


def _orders(count: int) -> list[str]:
    """Declarations whose papers were sent, each with its allowance; the rows that a checkout and a filing leave."""
    from core.database import transaction
    from customs import declarations, persons
    from customs.models import AllowanceHold, AllowanceYear

    account = _account()
    persons.set_identity(account, "张三", "11010519491231002X", "13800000000")
    person = persons.identity_of(account)
    if person is None:
        raise RuntimeError("the buyer is not known")
    place = _place()
    numbers = [f"LB{n:010d}" for n in range(count)]
    year = {"person_id": person.person_id, "year": 2026, "limit_fen": 10**9, "reserved_fen": 0}
    with transaction() as session:
        session.execute(insert(AllowanceYear).values(**year, used_fen=10_332 * count))
        for number in numbers:
            declaration = declarations.open_retail(session, _filing(number, account, person.person_id, place))
            _sent(session, declaration, number)
        hold = {"account_id": account, "person_id": person.person_id, "year": 2026, "limit_fen": 10**9}
        rows = [{**hold, "order_number": number, "amount_fen": 10_332, "state": "used"} for number in numbers]
        session.execute(insert(AllowanceHold), rows)
    return numbers


def _sent(session: Any, declaration: uuid.UUID, number: str) -> None:
    from customs.models import WindowDocument

    session.flush()
    references = {"311": number, "411": f"{number}P", "511": f"W{number}"}
    for kind, reference in references.items():
        mine = (WindowDocument.declaration_id == declaration, WindowDocument.kind == kind)
        session.execute(
            update(WindowDocument).where(*mine).values(status="filed", reference=reference, xml=b"-", attempts=1)
        )


def _list_them() -> None:
    """What filing the lists leaves, without signing them: that is measured elsewhere."""
    from core.database import transaction

    with transaction() as session:
        session.execute(text("UPDATE declaration SET status = 'filed', filed_on = '2026-11-23'"))
        session.execute(
            text("""
                UPDATE window_document AS d SET status = 'filed', reference = h.order_number, xml = '-'
                FROM declaration h WHERE h.id = d.declaration_id AND d.kind = '621'
            """)
        )


def _account() -> uuid.UUID:
    from core.accounts import User
    from core.database import transaction

    found = uuid.uuid4()
    with transaction() as session:
        row = {"id": found, "email": "receipts@example.test", "password": "-", "name": "Buyer", "active": True}
        session.execute(insert(User).values(**row, fs_uniquifier=found.hex))
    return found


def _place() -> uuid.UUID:
    from core.database import db, end_read
    from customs.models import Warehouse

    found = db.session.scalars(select(Warehouse.id).where(Warehouse.mode == "1210")).first()
    end_read()
    if found is None:
        raise RuntimeError("the seed has no bonded warehouse")
    return found


def _filing(number: str, account: uuid.UUID, person: uuid.UUID, place: uuid.UUID) -> Any:
    from customs import edition
    from customs.filing_facts import FilingLine, FilingRequest

    line = FilingLine(
        sku="SHRIMP-1",
        title_zh="冷冻阿根廷红虾",
        hs="0306179090",
        origin="AR",
        elements=(("品名", "冷冻红虾"),),
        unit="box",
        quantity=Decimal(1),
        goods_fen=3333,
        freight_fen=111,
        insurance_fen=0,
        dutiable_value_fen=3444,
        duty_fen=0,
        additional_duty_fen=0,
        consumption_tax_fen=0,
        vat_fen=217,
        statutory=(Decimal(1),),
        statutory_units=("kg",),
        item_record_no="REC-1",
    )
    return FilingRequest(
        order_number=number,
        account_id=account,
        person_id=person,
        merchant_id=uuid.UUID("00000000-0000-7000-8000-000000000001"),
        merchant_name="商家",
        merchant_code="4601960M55",
        warehouse_id=place,
        consignee_name="李四",
        consignee_phone="13900000000",
        consignee_address="北京市朝阳区某路1号",
        lines=(line, line, line),
        freight_fen=333,
        insurance_fen=0,
        discount_fen=0,
        tax_fen=651,
        paid_fen=10_983,
        payment_no=f"{number}P",
        paid_at=_NOON,
        waybill_no=f"W{number}",
        gross_weight_kg=Decimal(3),
        net_weight_kg=Decimal(3),
        edition=edition.tariff().edition,
        assessed_on=date(2026, 11, 23),
    )


def _papers(numbers: Sequence[str]) -> list[bytes]:
    """Messages of up to a hundred receipts of one kind and status, as the port sends them."""
    found = []
    for minute, status in enumerate(("2", "3", "120")):
        for kind, (node, named) in _PAPERS.items():
            documents = [(named.format(number), number) for number in numbers]
            found += _messages(kind, node, documents, status, minute)
    return found


def _lists(numbers: Sequence[str]) -> list[bytes]:
    found = []
    for minute, status in enumerate(("2", "3", "120", "399", "800", "899"), 10):
        documents = [
            (f"<copNo>{number}</copNo><preNo>B{number[2:]:0>17}</preNo><invtNo>3105{number[2:]:0>14}</invtNo>", number)
            for number in numbers
        ]
        found += _messages("622", "InventoryReturn", documents, status, minute)
    return found


def _messages(kind: str, node: str, documents: Sequence[tuple[str, str]], status: str, minute: int) -> list[bytes]:
    found = []
    for first in range(0, len(documents), _BATCH):
        parts = [
            f"<{node}><guid>{uuid.uuid4()}</guid>{named}<returnStatus>{status}</returnStatus>"
            f"<returnTime>{_time(minute, first + at)}</returnTime><returnInfo>said of {number}</returnInfo></{node}>"
            for at, (named, number) in enumerate(documents[first : first + _BATCH])
        ]
        head = f'<CEB{kind}Message xmlns="http://www.chinaport.gov.cn/ceb" guid="{uuid.uuid4()}" version="1.0">'
        found.append(f"{head}{''.join(parts)}</CEB{kind}Message>".encode())
    return found


def _time(minute: int, at: int) -> str:
    moment = _NOON + timedelta(hours=8, minutes=minute, milliseconds=at * 50)
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"
