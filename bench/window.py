"""Messages of the single window beside what the libraries under them can do at all; processor time, one core.

A list (621) of three lines is built, checked and written beside bare lxml building the same tree of the same texts, and
signed beside a bare signature of the same key. Both sides take turns, and the ratio is the median of the pairs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from customs.window import documents, sm2
from customs.window.facts import Company, Consignee, FilingLine, FilingOrder, Person, Warehouse
from customs.window.keys import SoftwareSigner, make_test_key
from customs.window.messages import build
from customs.window.parties import load_parties
from customs.window.profiles import RSA_SHA1, SM2_SM3, Profile
from customs.window.signature import sign_message, verify_message
from customs.window.tables import NAMESPACE
from customs.window.values import new_guid

Figure = dict[str, Any]

BUILD, SIGN = 0.3, 0.8
PAIRS = 41
ORDERS_A_DAY, SECONDS_A_DAY = 1_000_000, 86_400
AT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
PARTIES = load_parties()
TRANSFER = documents.transfer_of(PARTIES)
_BUYER = Person("张三", "11010519491231002X", "13800000000")
_LINE = FilingLine(
    item_no="SHRIMP-1",
    name_zh="冷冻阿根廷红虾",
    gcode="0306179090",
    elements=(("品名", "冷冻红虾"), ("品牌", "测试"), ("规格", "1千克/盒")),
    origin_country="402",
    unit="140",
    quantity=Decimal(3),
    total_fen=9999,
    unit1="035",
    quantity1=Decimal(3),
    item_record_no="REC-1",
)
ORDER = FilingOrder(
    number="LF202611230001",
    merchant=Company("4601960M55", "测试商家有限公司"),
    buyer=_BUYER,
    buyer_account="account-1",
    consignee=Consignee("李四", "13900000000", "北京市北京市朝阳区某路1号", "110105"),
    lines=(_LINE, replace(_LINE, item_no="SHRIMP-2"), replace(_LINE, item_no="SHRIMP-3")),
    goods_fen=29997,
    freight_fen=1000,
    insurance_fen=200,
    tax_fen=2118,
    discount_fen=500,
    paid_fen=32815,
    gross_weight_kg=Decimal("10.8"),
    net_weight_kg=Decimal(9),
    payer=_BUYER,
    payment_no="PAY202611230001",
    paid_at=AT,
    waybill_no="WB000000000001",
    warehouse=Warehouse(
        mode="1210",
        customs_code="6401",
        port_code="6401",
        traf_mode="4",
        ems_no="H640122A0001",
        area=Company("4601960W77", "测试保税仓储有限公司"),
    ),
)
MAKERS = {
    "311": documents.order_document,
    "411": documents.payment_document,
    "511": documents.waybill_document,
    "621": documents.inventory_document,
}


def bare_tree(xml: bytes) -> Callable[[], bytes]:
    """Builds the same tree of the same texts with lxml alone: no rule, no check, no number to write."""
    elements: list[tuple[str, int, str | None]] = []

    def flatten(element: etree._Element, parent: int) -> None:
        at = len(elements)
        elements.append((element.tag, parent, None if len(element) else element.text))
        for child in element:
            flatten(child, at)

    root = etree.fromstring(xml)
    flatten(root, -1)
    attributes, namespaces = dict(root.attrib), {"ceb": NAMESPACE}

    def made() -> bytes:
        tree = [etree.Element(elements[0][0], attributes, nsmap=namespaces)]
        for tag, parent, text in elements[1:]:
            element = etree.SubElement(tree[parent], tag)
            if text is not None:
                element.text = text
            tree.append(element)
        return etree.tostring(tree[0], xml_declaration=True, encoding="UTF-8")

    return made


def time_building(guid: str) -> Figure:
    """From values to a message that breaks no rule."""
    values = documents.inventory_document(ORDER, PARTIES, guid, AT)
    xml = build("621", [values], TRANSFER, guid)
    bare = bare_tree(xml)
    if etree.tostring(etree.fromstring(bare()), method="c14n") != xml.canonical:
        raise RuntimeError("both sides must write the same message")
    ours, theirs, ratio = _pairs(lambda: build("621", [values], TRANSFER, guid), bare, 200)
    return _figure("window: 621 of 3 lines built, checked and written", ours, "messages/s", theirs, ratio, BUILD)


def time_signing(folder: Path, guid: str) -> list[Figure]:
    """Built, checked, written and signed, and signed alone; beside the bare signature of as many bytes."""
    values = documents.inventory_document(ORDER, PARTIES, guid, AT)
    xml = build("621", [values], TRANSFER, guid)
    signer, key = _signer(folder, RSA_SHA1), _rsa(folder)
    info = b"x" * 600

    def bare() -> bytes:
        return key.sign(info, padding.PKCS1v15(), hashes.SHA1())

    whole = _pairs(lambda: sign_message(build("621", [values], TRANSFER, guid), signer), bare, 40)
    alone = _pairs(lambda: sign_message(xml, signer), bare, 40)
    national, secret = _signer(folder, SM2_SM3), sm2.secret_key(make_test_key(folder, SM2_SM3).read_bytes())
    assert secret is not None
    theirs = _pairs(
        lambda: sign_message(build("621", [values], TRANSFER, guid), national), lambda: secret.sign(info), 1
    )
    return [
        _figure("window: the same and signed, RSA-2048 with SHA-1", whole[0], "messages/s", whole[1], whole[2], SIGN),
        _figure("window: signed alone, RSA-2048 with SHA-1", alone[0], "messages/s", alone[1], alone[2], SIGN),
        _figure("window: built and signed, SM2 with SM3 in Python", theirs[0], "messages/s", theirs[1], theirs[2]),
    ]


def time_verifying(folder: Path, guid: str) -> list[Figure]:
    """A signed list read safely and its signature checked; beside the bare check of a signature."""
    xml = build("621", [documents.inventory_document(ORDER, PARTIES, guid, AT)], TRANSFER, guid)
    info, found = b"x" * 600, []
    for profile, name, times in ((RSA_SHA1, "RSA-2048 with SHA-1", 100), (SM2_SM3, "SM2 with SM3 in Python", 1)):
        signer = _signer(folder, profile)
        signed, value, own = sign_message(xml, signer), signer.sign(info).value, signer.certificate
        ours, theirs, ratio = _pairs(
            lambda signed=signed, own=own: verify_message(signed, [own], AT),  # type: ignore[misc]
            lambda value=value, own=own, holds=profile.holds: holds(own, value, info),  # type: ignore[misc]
            times,
        )
        found.append(_figure(f"window: 621 read and verified, {name}", ours, "messages/s", theirs, ratio))
    return found


def time_a_day(folder: Path, guid: str) -> Figure:
    """Cores that the four signed documents of a million orders keep busy through a day, if it were an even one."""
    signer = _signer(folder, RSA_SHA1)

    def order() -> None:
        for kind, make in MAKERS.items():
            sign_message(build(kind, [make(ORDER, PARTIES, guid, AT)], TRANSFER, guid), signer)

    seconds = statistics.median(_time(order, 20) for _ in range(PAIRS))
    return {
        "name": "window: a day of 1,000,000 orders, 4 signed documents each",
        "value": round(seconds * ORDERS_A_DAY / SECONDS_A_DAY, 4),
        "unit": "cores",
    }


def run() -> list[Figure]:
    """Every figure, each with its baseline measured in the same run."""
    guid = new_guid()
    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as name:
        folder = Path(name)
        return [
            time_building(guid),
            *time_signing(folder, guid),
            *time_verifying(folder, guid),
            time_a_day(folder, guid),
        ]


def _signer(folder: Path, profile: Profile) -> SoftwareSigner:
    return SoftwareSigner(make_test_key(folder, profile).read_bytes(), "CERT0001")


def _rsa(folder: Path) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(make_test_key(folder).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _pairs(ours: Callable[[], object], theirs: Callable[[], object], times: int) -> tuple[float, float, float]:
    """Calls a second of both, and the ratio of the rates: medians of pairs taken in turns."""
    _time(ours, times), _time(theirs, times)
    taken = [(_time(ours, times), _time(theirs, times)) for _ in range(PAIRS)]
    mine, base = (1 / statistics.median(column) for column in zip(*taken, strict=True))
    return mine, base, statistics.median(b / a for a, b in taken)


def _time(work: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def _figure(name: str, value: float, unit: str, baseline: float, ratio: float, target: float | None = None) -> Figure:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "baseline": round(baseline, 2),
        "ratio": round(ratio, 4),
        "target": target,
    }
