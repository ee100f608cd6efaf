"""Building, checking and reading messages by the tables."""

from decimal import Decimal

import pytest
from lxml import etree

from customs.window.later_documents import cancellation_document, return_document, signed_for_document
from customs.window.messages import MessageRefused, MessageUnreadable, Transfer, build, parse, validate
from customs.window.schema import xsd
from customs.window.tables import NAMESPACE, message_types
from customs.window.values import new_guid
from tests.customs.window.facts import FILED_AT, PARTIES, TRANSFER, direct, documents, filing, line


def valid(kind: str, xml: bytes) -> list[str]:
    schema = etree.XMLSchema(etree.fromstring(xsd(kind)))
    schema.validate(etree.fromstring(xml))
    return [fault.message for fault in schema.error_log]


def rules(kind: str, document: dict) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, rule in validate(kind, [document], TRANSFER, new_guid()):
        found[path] = f"{found.get(path, '')} {rule}"
    return found


@pytest.mark.parametrize("order", [filing(), direct()], ids=["bonded", "direct"])
def test_the_four_documents_of_an_order_are_lawful_messages(order):
    for kind, document in documents(order).items():
        xml = build(kind, [document], TRANSFER, new_guid())
        faults = valid(kind, xml)
        # Lists must be signed, and this one is not yet.
        assert [fault for fault in faults if "Missing child" not in fault] == []
        assert len(faults) == (1 if kind == "621" else 0)


def test_requests_and_delivery_are_lawful_messages():
    order, own = filing(), {"cop_no": "R1", "invt_no": "640120261234567890", "reason": "买家取消"}
    made = {
        "513": signed_for_document(order, PARTIES, new_guid(), FILED_AT, FILED_AT),
        "623": cancellation_document(order, PARTIES, new_guid(), FILED_AT, **own),
        "625": return_document(order, PARTIES, new_guid(), FILED_AT, **own, quantities=[(1, Decimal(2))]),
    }
    for kind, document in made.items():
        assert validate(kind, [document], TRANSFER, new_guid()) == []


def test_amounts_of_the_documents_follow_the_filing_rules():
    made = documents(filing())
    assert made["311"]["freight"] == Decimal("12.00")
    assert (made["621"]["freight"], made["621"]["insuredFee"]) == (Decimal("10.00"), Decimal("2.00"))
    assert made["311"]["acturalPaid"] == made["411"]["amountPaid"] == Decimal("114.05")
    assert made["621"]["lines"][0]["barCode"] == "无"
    assert made["621"]["lines"][0]["gmodel"] == "冷冻红虾|测试|1千克/盒"


def test_numbers_are_written_plainly():
    document = documents(filing(lines=(line(quantity=Decimal("1E+1"), quantity1=Decimal("3.10")),)))["621"]
    xml = build("621", [document], TRANSFER, new_guid())
    assert b"<ceb:qty>10</ceb:qty>" in xml
    assert b"<ceb:qty1>3.1</ceb:qty1>" in xml
    assert b"<ceb:price>9.999</ceb:price>" in xml


def test_a_price_that_does_not_divide_keeps_five_places_and_the_total():
    document = documents(filing(lines=(line(total_fen=10000),), goods_fen=10000, paid_fen=11406))["311"]
    assert document["lines"][0]["price"] == Decimal("33.33333")
    assert validate("311", [document], TRANSFER, new_guid()) == []


def test_what_is_built_is_read_back_whatever_the_prefix():
    guid, document = new_guid(), documents(filing())["311"]
    xml = build("311", [document], TRANSFER, guid)
    for form in (xml, xml.replace(b"xmlns:ceb", b"xmlns").replace(b"ceb:", b"")):
        read = parse(form)
        assert (read.kind, read.guid) == ("311", guid)
        assert read.documents[0]["acturalPaid"] == "114.05"
        assert read.documents[0]["lines"][0]["qty"] == "3"
        assert set(read.documents[0]) == {name for name, value in document.items() if value is not None}
    assert read.transfer["dxpId"] == PARTIES.dxp_id


@pytest.mark.parametrize(
    ("kind", "changes", "path", "rule"),
    [
        ("311", {"acturalPaid": Decimal("114.06")}, "acturalPaid", "goodsValue + freight + taxTotal - discount"),
        ("311", {"goodsValue": Decimal("99.98"), "acturalPaid": Decimal("114.04")}, "goodsValue", "sum of totalPrice"),
        ("311", {"orderNo": "x" * 61}, "orderNo", "at most 60 characters, here 61"),
        ("311", {"buyerTelephone": None}, "buyerTelephone", "required"),
        ("311", {"currency": "840"}, "currency", "must be 142"),
        ("311", {"guid": "abc"}, "guid", "upper-case UUID"),
        ("311", {"appTime": "20260230000000"}, "appTime", "existing time"),
        ("311", {"discount": Decimal("-1")}, "discount", "not be negative"),
        ("311", {"discount": Decimal("NaN")}, "discount", "finite"),
        ("311", {"discount": 1.5}, "discount", "decimal number, not float"),
        ("311", {"discount": Decimal("0.000001")}, "discount", "5 decimal places"),
        ("311", {"goodsValue": Decimal(10) ** 14}, "goodsValue", "14 digits"),
        ("311", {"buyerIdNumber": "110105194912310021"}, "buyerIdNumber", "check character"),
        ("311", {"buyerIdType": "2"}, "buyerIdType", "must be 1"),
        ("311", {"consignee": "李\x00四"}, "consignee", "control characters"),
        ("311", {"consignee": "  "}, "consignee", "blank"),
        ("311", {"actualPaid": Decimal(1)}, "actualPaid", "no such element"),
        ("411", {"amountPaid": Decimal(0)}, "amountPaid", "above zero"),
        ("411", {"payTransactionId": None}, "payTransactionId", "required"),
        ("511", {"packNo": 2}, "packNo", "must be 1"),
        ("511", {"packNo": True}, "packNo", "whole number"),
        ("511", {"weight": Decimal(0)}, "weight", "above zero"),
        ("511", {"insuredFee": None}, "insuredFee", "required"),
        ("621", {"emsNo": None}, "emsNo", "required in mode 1210"),
        ("621", {"billNo": "123"}, "billNo", "left out in mode 1210"),
        ("621", {"country": "402"}, "country", "must be 142"),
        ("621", {"tradeMode": "9610", "country": "402"}, "voyageNo", "required in mode 9610"),
        ("621", {"assureCode": "4601980D04"}, "assureCode", "platform, the e-commerce enterprise or the logistics"),
        ("621", {"netWeight": Decimal(4)}, "grossWeight", "below netWeight"),
        ("621", {"ieFlag": "E"}, "ieFlag", "must be I"),
        ("621", {"copNo": "x" * 21}, "copNo", "at most 20"),
        ("621", {"invtNo": "640120261234567890"}, "invtNo", "no number yet"),
        ("621", {"lines": []}, "InventoryList", "1 to 99 lines"),
    ],
)
def test_each_breach_of_a_head_is_named(kind, changes, path, rule):
    found = rules(kind, {**documents(filing())[kind], **changes})
    where = next((at for at in found if at.endswith(f"/{path}")), None)
    assert where is not None, found
    assert rule in found[where]


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"gcode": "03061790"}, "gcode", "at least 10"),
        ({"gcode": "030617909x"}, "gcode", "digits only"),
        ({"itemRecordNo": None}, "itemRecordNo", "required in mode 1210"),
        ({"totalPrice": Decimal("100.00")}, "totalPrice", "price x qty"),
        ({"qty": Decimal(0), "totalPrice": Decimal(0)}, "qty", "above zero"),
        ({"qty2": Decimal(1)}, "qty2", "go together"),
        ({"gnum": 2}, "gnum", "numbered 1, 2, 3"),
        ({"gmodel": "x" * 511}, "gmodel", "at most 510"),
    ],
)
def test_each_breach_of_a_line_is_named(changes, path, rule):
    document = documents(filing())["621"]
    found = rules("621", {**document, "lines": [{**document["lines"][0], **changes}]})
    where = next((at for at in found if at.endswith(f"/{path}")), None)
    assert where is not None, found
    assert rule in found[where]


def test_all_breaches_are_raised_together():
    document = {**documents(filing())["311"], "currency": "840", "consignee": "", "orderNo": None}
    with pytest.raises(MessageRefused) as refused:
        build("311", [document], Transfer("", "x", "d"), "nope")
    paths = [violation.path.rsplit("/", 1)[-1] for violation in refused.value.violations]
    assert {"@guid", "currency", "consignee", "orderNo", "copCode"} <= set(paths)


def test_identity_numbers_do_not_stand_in_refusals():
    document = {**documents(filing())["311"], "buyerIdNumber": "110105194912310021"}
    with pytest.raises(MessageRefused) as refused:
        build("311", [document], TRANSFER, new_guid())
    assert "110105194912310021" not in str(refused.value)


def test_a_hundred_documents_fit_and_no_more():
    many = [{**documents(filing())["411"], "guid": new_guid()} for _ in range(100)]
    assert len(parse(build("411", many, TRANSFER, new_guid())).documents) == 100
    one_more = [*many, {**many[0], "guid": new_guid()}]
    assert "at most 100" in str(validate("411", one_more, TRANSFER, new_guid()))
    assert "share a guid" in str(validate("411", [many[0], many[0]], TRANSFER, new_guid()))


def test_only_outgoing_kinds_are_built():
    for kind in ("622", "303", "x"):
        with pytest.raises(ValueError, match="not a kind of message to send"):
            build(kind, [], TRANSFER, new_guid())


def test_subscribers_follow_the_transmitter():
    transfer = Transfer("4601960A01", "平台", "DXP1", (("RET", "DXP2"),))
    xml = build("411", [documents(filing())["411"]], transfer, new_guid())
    assert valid("411", xml) == []
    assert b"<ceb:dxpAddress>DXP2</ceb:dxpAddress>" in xml
    six = Transfer("4601960A01", "平台", "DXP1", (("RET", "DXP2"),) * 6)
    assert "at most 5" in str(validate("411", [documents(filing())["411"]], six, new_guid()))


def receipt(inner: str, prolog: str = "") -> bytes:
    return f'{prolog}<CEB622Message xmlns="{NAMESPACE}" guid="G" version="1.0">{inner}</CEB622Message>'.encode()


def test_unknown_elements_of_a_receipt_are_left_out():
    inner = "<InventoryReturn><copNo>A</copNo><new>1</new><returnStatus>800</returnStatus></InventoryReturn><More/>"
    assert parse(receipt(inner)).documents == ({"copNo": "A", "returnStatus": "800"},)


def test_a_comment_cannot_split_a_value():
    read = parse(receipt("<InventoryReturn><returnStatus>80<!-- -->0</returnStatus></InventoryReturn>"))
    assert read.documents[0]["returnStatus"] == "800"


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<a",
        b"<a/>",
        b"{}",
        receipt(""),
        receipt("<InventoryReturn><copNo>&b;</copNo></InventoryReturn>", BOMB),
        receipt("<InventoryReturn><copNo>x</copNo></InventoryReturn>", BOMB),
        receipt("<InventoryReturn><copNo>x</copNo></InventoryReturn>", BOMB).decode().encode("utf-16"),
        receipt(
            "<InventoryReturn><copNo>&e;</copNo></InventoryReturn>",
            '<!DOCTYPE e [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        ),
        receipt("<InventoryReturn><copNo>&undefined;</copNo></InventoryReturn>"),
        receipt("<a>" * 100_000),
        receipt("<a>" * 50 + "</a>" * 50 + "<InventoryReturn/>"),
        receipt("<InventoryReturn><copNo>1</copNo><copNo>2</copNo></InventoryReturn>"),
        receipt("<InventoryReturn><copNo><x/>1</copNo></InventoryReturn>"),
        receipt("<InventoryReturn><copNo>" + "x" * 21 + "</copNo></InventoryReturn>"),
        receipt("<InventoryReturn/>" * 101),
        receipt(" " * 5_000_000),
        receipt("<InventoryReturn/>").replace(NAMESPACE.encode(), b"urn:other"),
        receipt("<InventoryReturn/>").replace(b"622", b"699"),
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_message_is_refused(xml):
    with pytest.raises(MessageUnreadable):
        parse(xml)


def test_the_schemas_of_all_kinds_are_schemas():
    for kind in message_types():
        etree.XMLSchema(etree.fromstring(xsd(kind)))


def test_the_order_of_elements_matters_to_the_schema():
    xml = build("311", [documents(filing())["311"]], TRANSFER, new_guid())
    assert valid("311", xml) == []
    tree = etree.fromstring(xml)
    head = tree.find(f".//{{{NAMESPACE}}}OrderHead")
    head.append(head[0])
    assert valid("311", etree.tostring(tree)) != []
