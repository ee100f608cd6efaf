"""Receipts: reading them, and the order in which they count."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from customs.window.messages import parse
from customs.window.receipts import Receipt, ReceiptUnreadable, State, apply, read_receipts, return_instant
from customs.window.statuses import faults, meaning, moves, state_after, statuses
from customs.window.tables import NAMESPACE


def message(kind: str, inner: str) -> bytes:
    return f'<CEB{kind}Message xmlns="{NAMESPACE}" guid="G" version="1.0">{inner}</CEB{kind}Message>'.encode()


def receipt(status: str, at: int = 1, kind: str = "622") -> Receipt:
    element = {"622": "InventoryReturn", "312": "OrderReturn", "624": "InvtCancelReturn"}[kind]
    key = "<ebpCode>P</ebpCode><ebcCode>C</ebcCode><orderNo>A</orderNo>" if kind == "312" else "<copNo>A</copNo>"
    inner = (
        f"<{element}>{key}<returnStatus>{status}</returnStatus>"
        f"<returnTime>202611231200{at:02d}000</returnTime><returnInfo>i</returnInfo></{element}>"
    )
    return read_receipts(parse(message(kind, inner)))[0]


def run(receipts, kind_family_start="filed") -> State:
    state = State(kind_family_start, "")
    for one in receipts:
        state = apply(state.status, state.return_time or None, one) or state
    return state


def test_a_list_goes_from_filed_to_closed():
    steps = [("1", "stored"), ("2", "declaring"), ("3", "sent"), ("120", "received"), ("399", "concluded")]
    steps += [("800", "released"), ("899", "closed")]
    state = State("filed", "")
    for at, (code, word) in enumerate(steps, 1):
        state = apply(state.status, state.return_time or None, receipt(code, at))
        assert state == State(word, f"202611231200{at:02d}000")


def test_the_order_of_arrival_does_not_matter():
    receipts = [receipt(code, at) for at, code in enumerate(("2", "120", "500", "800", "899"), 1)]
    ends = {run(order).status for order in itertools.permutations(receipts)}
    assert ends == {"closed"}


def test_a_repeated_receipt_changes_nothing():
    once = receipt("120", 5)
    state = run([once])
    assert apply(*state, once) is None
    assert receipt("120", 5).identity == once.identity
    assert receipt("120", 6).identity != once.identity


def test_an_older_receipt_changes_nothing():
    assert apply("received", "20261123120010000", receipt("500", 9)) is None
    assert apply("received", "20261123120010000", receipt("500", 10)) == State("inspection", "20261123120010000")


def is_terminal(family: str, state: str) -> bool:
    """Whether no receipt can move the document any more; a refused one may still be corrected and filed again."""
    return not moves()[family].get(state, frozenset())


@pytest.mark.parametrize("end", ["closed", "returned_abroad", "cancelled", "rejected", "error"])
def test_no_receipt_moves_a_list_from_its_end(end):
    assert is_terminal("list", end)
    for code in ("1", "120", "800", "100", "-621017", "18"):
        assert apply(end, "20261123120001000", receipt(code, 9)) is None


def test_released_only_goes_on_to_closed_or_abroad():
    assert apply("released", "20261123120001000", receipt("899", 2)).status == "closed"
    assert apply("released", "20261123120001000", receipt("700", 2)).status == "returned_abroad"
    for code in ("120", "100", "500", "399", "-621001", "18"):
        assert apply("released", "20261123120001000", receipt(code, 2)) is None


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("-621005", "error"),
        ("-621018", "error"),
        ("-999999", "error"),
        ("-621017", "send_failed"),
        ("4", "send_failed"),
        ("100", "rejected"),
        ("503", "detained"),
        ("300", "manual_check"),
        ("18", "pending"),
        ("777", "pending"),
        ("-621004", None),
        ("-301014", None),
    ],
)
def test_what_a_code_asks_for(code, state):
    assert state_after("list", code) == state
    moved = apply("sent", "20261123120001000", receipt(code, 2))
    assert (moved and moved.status) == state
    assert meaning("list", code)


def test_an_unknown_code_waits_and_later_ones_still_count():
    assert run([receipt("18", 1), receipt("800", 2)]).status == "released"


def test_papers_end_when_customs_holds_them():
    assert run([receipt("2", 1, "312"), receipt("120", 2, "312"), receipt("100", 3, "312")]).status == "received"
    assert run([receipt("399", 3, "624")]).status == "accepted"


def test_every_state_of_the_tables_has_its_moves():
    for family, _ in statuses():
        named = {status.state for (of, _), status in statuses().items() if of == family}
        reached = set().union(*moves()[family].values())
        assert named | reached <= set(moves()[family]) | ({"error"} if family == "bill" else set())
    assert {status.state for status in statuses().values() if status.terminal} <= {
        state for family in moves() for state in moves()[family] if is_terminal(family, state)
    }
    assert len(faults()) == 126
    assert faults()[-301004].meaning == faults()[-301003].meaning


BILL = (
    "<Tax><TaxHeadRd><guid>G1</guid><returnTime>20261123120000123</returnTime><invtNo>640120261000000001</invtNo>"
    "<taxNo>T1</taxNo><customsTax>0</customsTax><valueAddedTax>7.06</valueAddedTax><consumptionTax>0</consumptionTax>"
    "<status>1</status><orderNo>more</orderNo></TaxHeadRd><TaxListRd><gnum>1</gnum><gcode>0306179090</gcode>"
    "<taxPrice>111.99</taxPrice><customsTax>0.00</customsTax><valueAddedTax>7.06</valueAddedTax>"
    "<consumptionTax>0</consumptionTax></TaxListRd></Tax>"
)


def test_a_tax_bill_gives_its_amounts_exactly():
    found = read_receipts(parse(message("816", BILL)))[0]
    assert (found.family, found.status, found.invt_no) == ("bill", "1", "640120261000000001")
    assert found.bill.value_added_tax == Decimal("7.06")
    assert found.bill.lines[0].tax_price == Decimal("111.99")
    assert apply("", None, found) == State("generated", "20261123120000123")


def test_the_state_of_a_bill_moves_forward():
    inner = "<Tax><TaxHeadStatus><returnTime>20261123120000124</returnTime><invtNo>I</invtNo><taxNo>T1</taxNo>"
    inner += "<status>2</status><entDutyNo>D1</entDutyNo></TaxHeadStatus></Tax>"
    change = read_receipts(parse(message("818", inner)))[0]
    assert (change.bill.ent_duty_no, change.bill.lines) == ("D1", ())
    assert apply("generated", "20261123120000123", change).status == "consolidated"
    assert apply("void", "20261123120000123", change) is None


def test_a_failed_format_check_is_an_error_of_the_message_it_names():
    inner = "<MessageReturn><guid>G</guid><returnStatus>-1</returnStatus><returnInfo>x</returnInfo>"
    inner += "<returnTime>20261123120000123</returnTime><oriCopMsgId>M1</oriCopMsgId>"
    inner += (
        "<oriMessageType>CEB621Message</oriMessageType><oriBizMessage><![CDATA[<a/>]]></oriBizMessage></MessageReturn>"
    )
    found = read_receipts(parse(message("900", inner)))[0]
    assert (found.family, found.key["oriCopMsgId"]) == ("list", "M1")
    assert apply("filed", None, found).status == "error"


@pytest.mark.parametrize(
    "inner",
    [
        "<InventoryReturn><returnStatus>800</returnStatus><returnTime>20261123120000123</returnTime></InventoryReturn>",
        "<InventoryReturn><copNo>A</copNo><returnTime>20261123120000123</returnTime></InventoryReturn>",
        "<InventoryReturn><copNo>A</copNo><returnStatus>８００</returnStatus><returnTime>20261123120000123</returnTime></InventoryReturn>",
        "<InventoryReturn><copNo>A</copNo><returnStatus>8e2</returnStatus><returnTime>20261123120000123</returnTime></InventoryReturn>",
        "<InventoryReturn><copNo>A</copNo><returnStatus>800</returnStatus></InventoryReturn>",
        "<InventoryReturn><copNo>A</copNo><returnStatus>800</returnStatus><returnTime>20261323120000123</returnTime></InventoryReturn>",
    ],
)
def test_a_receipt_without_its_essentials_is_refused(inner):
    with pytest.raises(ReceiptUnreadable):
        read_receipts(parse(message("622", inner)))


@pytest.mark.parametrize("amount", ["", "1e3", "-1", "NaN", "1.2.3", "１", "9" * 30])
def test_a_bill_with_a_bad_amount_is_refused(amount):
    with pytest.raises(ReceiptUnreadable):
        read_receipts(parse(message("816", BILL.replace("111.99", amount))))


def test_our_own_kinds_are_no_receipts():
    with pytest.raises(ReceiptUnreadable):
        read_receipts(parse(message("411", "<Payment><PaymentHead/></Payment>")))


def test_return_times_are_beijing_time():
    assert return_instant("20261231235959999") == datetime(2026, 12, 31, 15, 59, 59, 999000, tzinfo=UTC)
