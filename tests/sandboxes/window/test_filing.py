"""What the window takes in: a good order is released, every wrong thing is refused with its code."""

from dataclasses import replace
from decimal import Decimal

import pytest

from customs.window.documents import inventory_document
from customs.window.messages import build
from customs.window.signature import sign_message
from customs.window.values import new_guid
from tests.customs.window.facts import FILED_AT, PARTIES, TRANSFER, direct, documents, filing, line
from tests.sandboxes.window.office import dear, numbered, raw


@pytest.mark.parametrize("order", [filing(), direct(lines=(line(gcode="0210200010"),))], ids=["bonded", "direct"])
def test_a_good_order_is_released_and_billed(office, number, order):
    order = numbered(order, number)
    office.file(order)
    listener = office.listener
    listener.wait("818", "2")
    for kind in ("312", "412", "512"):
        assert listener.statuses(kind) == ["2", "120"]
    assert listener.statuses("622") == ["1", "2", "3", "120", "399", "800", "899"]
    released = listener.wait("622", "800")
    assert released.key["copNo"] == order.number
    assert (len(released.invt_no), released.invt_no[:4], released.invt_no[8]) == (18, "6401", "I")
    assert len(released.pre_no) == 18
    times = [receipt.return_time for receipt in listener.receipts("622")]
    assert times == sorted(set(times))
    bill = listener.wait("816", "1")
    assert bill.invt_no == released.invt_no
    # 99.99 + 10.00 + 2.00 at 70 % of 9 %
    assert (bill.bill.lines[0].tax_price, bill.bill.value_added_tax) == (Decimal("111.99"), Decimal("7.06"))
    assert bill.bill.customs_tax == 0
    assert listener.wait("818", "2").bill.ent_duty_no
    assert {headers["Authorization"] for headers in listener.headers} == {"Bearer receipt-token"}


@pytest.mark.parametrize(
    ("changes", "kind", "status", "words"),
    [
        ({"c411": {"amountPaid": Decimal("1.00")}}, "622", "100", "amount paid"),
        ({"c411": {"payerIdNumber": "11010519900307109X"}}, "412", "-401009", "payerIdNumber"),
        ({"c411": {"payerIdNumber": "110105199003070332"}}, "622", "100", "payerIdNumber"),
        ({"c411": {"payerName": "别人"}}, "622", "100", "payerName"),
        ({"c411": {"payTransactionId": "OTHER"}}, "622", "100", "payTransactionId"),
        ({"c411": {"currency": "840"}}, "412", "-401009", "currency"),
        ({"c511": {"consignee": "别人"}}, "622", "100", "consignee"),
        ({"c511": {"consigneeAddress": "别处"}}, "622", "100", "consigneeAddress"),
        ({"c511": {"logisticsNo": "OTHER"}}, "622", "100", "not there"),
        ({"c511": {"packNo": 2}}, "512", "-504011", "packNo"),
        ({"c311": {"acturalPaid": Decimal("1.00")}}, "312", "-301008", "acturalPaid"),
        ({"c311": {"goodsValue": Decimal("1.00"), "acturalPaid": Decimal("15.06")}}, "312", "-301008", "goodsValue"),
        ({"c311": {"buyerIdNumber": "110105194912310021"}}, "312", "-301008", "buyerIdNumber"),
        ({"c311": {"orderType": "E"}}, "312", "-301008", "orderType"),
        ({"c621": {"freight": Decimal("12.00"), "insuredFee": Decimal(0)}}, "622", "100", "waybill"),
        ({"c621": {"buyerName": "别人"}}, "622", "100", "buyerName"),
        ({"c621": {"emsNo": None}}, "622", "-621001", "emsNo"),
        ({"c621": {"billNo": "1"}}, "622", "-621001", "billNo"),
        ({"c621": {"country": "402"}}, "622", "-621001", "country"),
        ({"c621": {"tradeMode": "1239"}}, "622", "-621001", "tradeMode"),
        ({"c621": {"assureCode": "4601980D04"}}, "622", "-621001", "assureCode"),
        ({"c621": {"ieFlag": "E"}}, "622", "-621001", "ieFlag"),
        ({"c621": {"packNo": 2}}, "622", "-621001", "packNo"),
        ({"c621": {"netWeight": Decimal(9)}}, "622", "-621001", "netWeight"),
    ],
)
def test_each_wrong_thing_is_refused_with_its_code(office, number, changes, kind, status, words):
    office.file(numbered(filing(), number), **changes)
    assert words in office.listener.wait(kind, status).return_info
    assert "800" not in office.listener.statuses("622")
    assert office.used(f"LF{number:010d}") == 0


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"item_record_no": None}, "-621001", "itemRecordNo"),
        ({"gcode": "03061790"}, "-621001", "gcode"),
        ({"gcode": "03061790ab"}, "-621001", "gcode"),
        ({"quantity1": Decimal(0)}, None, ""),
        ({"quantity2": Decimal(1)}, "-621001", "second quantity"),
        ({"name_zh": "别的"}, "100", "name"),
        ({"quantity": Decimal(1)}, "100", "qty"),
    ],
)
def test_a_wrong_line_is_refused(office, number, changes, status, words):
    order = numbered(filing(), number)
    other = replace(order, lines=(line(**changes),))
    listed = inventory_document(other, PARTIES, new_guid(), FILED_AT)
    office.file(order, c621=listed)
    if status:
        assert words in office.listener.wait("622", status).return_info
    else:
        office.listener.wait("622", "800")


def test_a_list_must_be_signed_by_a_known_certificate_and_unchanged(office, number, tmp_path):
    from customs.window.keys import load_signer

    listed = documents(numbered(filing(), number))["621"]
    office.send("621", listed, sign=False)
    office.listener.wait("622", "-621026")
    stranger = sign_message(build("621", [listed], TRANSFER, new_guid()), load_signer(tmp_path / "stranger"))
    office.send_raw("621", stranger)
    office.listener.wait("622", "-621029")
    changed = raw("621", listed, office.signer).replace("张三".encode(), "李三".encode())
    office.send_raw("621", changed)
    office.listener.wait("622", "-621028")
    parked = {**documents(numbered(filing(), number))["621"], "appStatus": "1"}
    office.send("621", parked, sign=False)
    office.listener.wait("622", "1")


def test_elements_out_of_order_or_unknown_are_refused(office, number):
    xml = build("311", [documents(numbered(filing(), number))["311"]], TRANSFER, new_guid())
    swapped = xml.replace(b"<ceb:currency>142</ceb:currency>", b"", 1).replace(
        b"<ceb:goodsValue>", b"<ceb:currency>142</ceb:currency><ceb:goodsValue>"
    )
    office.send_raw("311", swapped)
    assert "goodsValue: not expected here" in office.listener.wait("312", "-301008").return_info
    office.listener.got.clear()
    again = build("311", [documents(numbered(filing(), number))["311"]], TRANSFER, new_guid())
    office.send_raw("311", again.replace(b"<ceb:goodsValue>", b"<ceb:new/><ceb:goodsValue>"))
    assert "new: not expected" in office.listener.wait("312", "-301008").return_info


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"no xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<CEB311Message xmlns="http://www.chinaport.gov.cn/ceb" guid="x" version="1"/>',
        b'<CEB311Message xmlns="urn:other"/>',
        b"<a>" * 10_000,
    ],
)
def test_what_is_no_message_gets_a_format_receipt(office, xml):
    office.send_raw("311", xml, guid="SENT-1")
    receipt = office.listener.wait("900", "-1")
    assert receipt.key["oriCopMsgId"] == "SENT-1"


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"MessageHead": {}, "MessageBody": {"data": "*"}}', b"\xff"])
def test_what_is_no_envelope_is_refused_at_once(office, body):
    import requests

    answer = requests.post(f"{office.url}cebcmsg", data=body, timeout=5)
    assert (answer.status_code, answer.text) == (400, "not an envelope")
    assert requests.get(f"{office.url}healthz", timeout=5).text == "ok"


def test_papers_may_come_a_little_after_the_list(make_office, number):
    office = make_office("--match-seconds", "10")
    made = documents(numbered(filing(), number))
    office.send("621", made["621"])
    office.listener.wait("622", "2")
    for kind in ("311", "411", "511"):
        office.send(kind, made[kind])
    office.listener.wait("622", "800")


def test_the_single_limit_lets_one_dear_article_pass_at_full_tax(make_office, number):
    office = make_office()
    office.file(dear(numbered(filing(), number), 500_001, quantity=2))
    office.listener.wait("622", "-621005")
    office.listener.got.clear()
    office.file(dear(numbered(filing(), number + 1000), 500_000, quantity=2))
    assert office.listener.wait("816", "1").bill.customs_tax == 0
    office.listener.got.clear()
    office.file(dear(numbered(filing(), number + 2000), 680_000))
    bill = office.listener.wait("816", "1").bill
    # 1 % duty, 15 % consumption tax (136 yuan a ml), 13 % VAT, in full
    assert (bill.customs_tax, bill.consumption_tax, bill.value_added_tax) == (
        Decimal("68.00"),
        Decimal("1212.00"),
        Decimal("1050.40"),
    )


def test_the_yearly_limit_counts_per_person_and_year(make_office, number):
    office = make_office()
    for at, fen in enumerate((2_000_000, 600_000)):
        office.file(dear(numbered(filing(), number + 1000 * at), fen))
        office.listener.wait("622", "899")
        office.listener.got.clear()
    office.file(dear(numbered(filing(), number + 3000), 1))
    office.listener.wait("622", "-621018")
    next_year = {"declTime": "20270101"}
    office.listener.got.clear()
    office.file(dear(numbered(filing(), number + 4000), 100_000), c621=next_year)
    office.listener.wait("622", "800")
    entries = office.journal()["allowance"]
    assert [(entry["year"], Decimal(entry["amount"])) for entry in entries] == [
        ("2026", Decimal(20000)),
        ("2026", Decimal(6000)),
        ("2027", Decimal(1000)),
    ]


def test_the_same_message_sent_again_has_one_effect(office, number):
    order = numbered(filing(), number)
    made = documents(order)
    for kind in ("311", "411", "511"):
        office.send(kind, made[kind])
    sent = office.send("621", made["621"])
    office.listener.wait("818", "2")
    for _ in range(3):
        office.send_raw("621", sent)
    office.listener.wait("818", "2")
    assert office.listener.statuses("622").count("800") == 1
    assert office.used(order.number) == Decimal("111.99")
    office.send("621", documents(order)["621"])
    office.listener.wait("622", "-621004")
    assert office.document("621", order.number)["status"] == "899"


def test_papers_of_a_declared_list_stay_as_they_are(office, number):
    order = numbered(filing(), number)
    office.file(order)
    office.listener.wait("622", "800")
    fresh = documents(order)
    for kind, receipt, code in (("311", "312", "-301011"), ("411", "412", "-401008"), ("511", "512", "-504016")):
        office.send(kind, fresh[kind])
        office.listener.wait(receipt, code)
        assert office.document(kind, order.number)["status"] == "120"


def test_a_refused_list_can_be_filed_again_amended(office, number):
    order = numbered(filing(), number)
    office.file(order, c621={"buyerName": "别人"})
    office.listener.wait("622", "100")
    office.send("621", {**documents(order)["621"], "appType": "2"})
    office.listener.wait("622", "800")
    other = documents(numbered(filing(), number + 1000))["621"]
    office.send("621", {**other, "appType": "2"})
    office.listener.wait("622", "-621011")
