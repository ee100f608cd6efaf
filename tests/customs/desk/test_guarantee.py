"""What is filed under a guarantee never exceeds it; what finds no room waits and goes on by itself."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text

from core.audit import AuditEntry
from core.database import db, transaction
from core.errors import Problem
from customs import declarations, filing
from customs.correcting import giving_up
from customs.guarantee import by_hand, care, reserve, waiting
from customs.models import Declaration
from customs.money_models import Guarantee, GuaranteeEntry, GuaranteeHold, GuaranteeWait
from customs.window_commands import window_group
from tests.customs.desk import builders
from tests.customs.desk.builders import Caller, at, receipt, status_of
from tests.customs.desk.test_filing import INVT, opened, papers_received, take
from tests.customs.desk.test_receipts import bill, bill_state
from tests.customs.desk.window import FakeWindow

TAX = 651


def lodge(amount: int, **more: Any) -> uuid.UUID:
    own = builders.PARTIES.platform
    values = {"code": own.code, "name": own.name, "office": "3105", "amount": amount, **more}
    return uuid.UUID(care.open_one("test", values)["id"])


def figures(guarantee_id: uuid.UUID) -> tuple[str, str, int]:
    db.session.rollback()
    row = care.one(guarantee_id)
    db.session.rollback()
    return row["amount"], row["in_use"], row["waiting"]


def kinds() -> list[tuple[str, int]]:
    db.session.rollback()
    rows = db.session.scalars(select(GuaranteeEntry).order_by(GuaranteeEntry.id)).all()
    found = [(row.kind, row.amount_fen) for row in rows]
    db.session.rollback()
    return found


def filed(number: str, identity: str = builders.NUMBER) -> uuid.UUID:
    """A declaration whose list was to be filed, whatever came of it."""
    request = builders.filing(*builders.buyer(identity), number)
    with transaction() as session:
        found = declarations.open_retail(session, request)
    filing.file(str(found))
    papers_received(found)
    filing.file(str(found))
    return found


def words_of(found: uuid.UUID) -> str:
    db.session.rollback()
    told = db.session.get(Declaration, found).status_info or ""
    db.session.rollback()
    return told


def jobs(name: str) -> int:
    return int(
        db.session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :n"), {"n": name}) or 0
    )


def test_a_list_keeps_its_tax_until_its_bill_is_consolidated(window: FakeWindow) -> None:
    lodged = lodge(1000, alert_percent=60)
    found = filed("LF2611230001")
    assert (status_of(found), figures(lodged)) == ("filed", ("10.00", "6.51", 0))
    filing.file(str(found))
    assert figures(lodged)[1] == "6.51"
    take(receipt(found, "621", "800", at(5), invtNo=INVT), bill("T1", at(6)))
    assert figures(lodged)[1] == "6.51"
    take(bill_state("T1", at(7), "2"), bill_state("T1", at(8), "2"))
    assert figures(lodged) == ("10.00", "0.00", 0)
    assert kinds() == [("opened", 1000), ("alert", TAX), ("reserved", TAX), ("released", TAX)]


def test_without_a_guarantee_nothing_is_kept(window: FakeWindow) -> None:
    assert status_of(filed("LF2611230001")) == "filed"
    lodge(1, office="2991")  # another office's
    assert status_of(filed("LF2611230002")) == "filed"
    assert db.session.scalars(select(GuaranteeHold)).all() == []


def test_entered_late_it_keeps_what_is_under_way(window: FakeWindow) -> None:
    first = filed("LF2611230001")
    with pytest.raises(Problem) as refused:
        lodge(TAX - 1)
    assert "need 6.51 already" in refused.value.detail
    lodged = lodge(1000)
    assert figures(lodged)[1] == "6.51"
    take(receipt(first, "621", "700", at(5), invtNo=INVT))
    assert figures(lodged)[1] == "0.00"


def test_what_finds_no_room_waits_with_words_and_goes_on_by_itself(window: FakeWindow, heard: list) -> None:
    lodged = lodge(TAX + 100)
    first, second = filed("LF2611230001"), filed("LF2611230002")
    assert (status_of(first), status_of(second)) == ("filed", "failed")
    assert window.kinds().count("621") == 1
    told = words_of(second)
    assert all(part in told for part in ("1.00 of 7.51 CNY left", "needs 6.51", "3105", "refilled"))
    assert heard == []  # one incident for the guarantee, none for each order
    assert figures(lodged) == ("7.51", "6.51", 1)
    waiting.go_on()
    assert status_of(second) == "failed"
    care.refill("test", lodged, 551, "bank 1")
    assert jobs(reserve.GO_ON) == 1
    waiting.go_on()
    assert status_of(second) == "pending"
    filing.file(str(second))
    assert (status_of(second), figures(lodged)) == ("filed", ("13.02", "13.02", 0))


def test_a_settled_bill_makes_room_for_who_waits(window: FakeWindow) -> None:
    lodge(TAX)
    first, second = filed("LF2611230001"), filed("LF2611230002")
    take(receipt(first, "621", "800", at(5), invtNo=INVT), bill("T1", at(6)), bill_state("T1", at(7), "2"))
    assert jobs(reserve.GO_ON) == 1
    waiting.go_on()
    filing.file(str(second))
    assert status_of(second) == "filed"


@pytest.mark.parametrize(("document", "code"), [("621", "-621018"), ("621", "700"), ("623", "399")])
def test_a_list_that_ends_without_tax_gives_it_back(window: FakeWindow, document: str, code: str) -> None:
    lodged = lodge(1000)
    found = filed("LF2611230001")
    if document == "623":
        take(receipt(found, "621", "120", at(4), invtNo=INVT))
        with transaction() as session:
            assert declarations.cancel(session, "LF2611230001", "x") == "requested"
        filing.file_requests(str(found))
    take(receipt(found, document, code, at(5), invtNo=INVT))
    assert status_of(found) in ("rejected", "returned_abroad", "cancelled")
    assert figures(lodged)[1] == "0.00"
    assert db.session.scalars(select(GuaranteeHold.state)).one() == "released"


def test_what_is_sent_back_to_be_corrected_keeps_its_place(window: FakeWindow) -> None:
    lodged = lodge(1000)
    found = filed("LF2611230001")
    take(receipt(found, "621", "-621001", at(5), invtNo=INVT))
    assert (status_of(found), figures(lodged)[1]) == ("rejected", "6.51")
    giving_up.give_up(found, "desk", "x")
    assert figures(lodged)[1] == "0.00"


def test_cancelled_while_it_is_sent_back_it_gives_it_back(window: FakeWindow) -> None:
    lodged = lodge(1000)
    found = filed("LF2611230001")
    take(receipt(found, "621", "-621001", at(5), invtNo=INVT))
    assert (status_of(found), figures(lodged)[1]) == ("rejected", "6.51")
    with transaction() as session:
        assert declarations.cancel(session, "LF2611230001", "x") == "cancelled"
    assert figures(lodged)[1] == "0.00"


def test_entered_late_it_keeps_nothing_for_what_went_back(window: FakeWindow) -> None:
    found = filed("LF2611230001")
    take(receipt(found, "621", "800", at(5), invtNo=INVT))
    with transaction() as session:
        declarations.file_return(session, "LF2611230001", [(1, builders.Decimal(1))], "x")
    filing.file_requests(str(found))
    take(receipt(found, "625", "399", at(7), invtNo=INVT))
    assert figures(lodge(1000))[1] == "4.34"


def test_a_list_that_can_never_fit_keeps_no_other_from_going_on(window: FakeWindow) -> None:
    lodge(TAX + 100)
    first, second, third = filed("LF2611230001"), filed("LF2611230002"), filed("LF2611230003")
    with transaction() as session:
        session.get_one(GuaranteeWait, second).amount_fen = TAX + 101
    take(receipt(first, "621", "700", at(5), invtNo=INVT))
    waiting.go_on()
    assert (status_of(second), status_of(third)) == ("failed", "pending")


def test_returned_goods_need_no_guarantee(window: FakeWindow) -> None:
    lodged = lodge(1000)
    found = filed("LF2611230001")
    take(receipt(found, "621", "800", at(5), invtNo=INVT))
    for quantity, left in (("1", "4.34"), ("2", "0.00")):
        with transaction() as session:
            declarations.file_return(session, "LF2611230001", [(1, builders.Decimal(quantity))], "x")
        filing.file_requests(str(found))
        take(receipt(found, "625", "399", at(6 + int(quantity)), invtNo=INVT))
        assert figures(lodged)[1] == left


def test_a_waiting_order_can_be_cancelled(window: FakeWindow) -> None:
    lodged = lodge(1)
    found = filed("LF2611230001")
    with transaction() as session:
        assert declarations.cancel(session, "LF2611230001", "x") == "cancelled"
    assert (status_of(found), figures(lodged)) == ("cancelled", ("0.01", "0.00", 0))


def test_a_refused_list_that_is_withdrawn_gives_it_back(window: FakeWindow) -> None:
    lodged = lodge(1000)
    found = opened()
    filing.file(str(found))
    papers_received(found)
    window.answers = [400]
    filing.file(str(found))
    assert figures(lodged)[1] == "6.51"
    with transaction() as session:
        assert declarations.cancel(session, "LF2611230001", "x") == "cancelled"
    assert figures(lodged)[1] == "0.00"


def test_it_is_never_reduced_below_what_is_in_use(window: FakeWindow) -> None:
    lodged = lodge(1000)
    filed("LF2611230001")
    with pytest.raises(Problem) as refused:
        care.reduce("test", lodged, 350, None)
    assert refused.value.code == care.IN_USE
    assert care.reduce("test", lodged, 349, None)["free"] == "0.00"
    with pytest.raises(Problem):
        care.refill("test", uuid.uuid4(), 1, None)
    with pytest.raises(Problem):
        lodge(5)


def test_lists_filed_at_once_never_take_more_than_is_there(window: FakeWindow, app: Any) -> None:
    """Twelve lists in twelve threads, room for five."""
    lodged = lodge(5 * TAX + TAX // 2)
    requests = [builders.filing(*builders.buyer(), f"LF26112300{number:02d}") for number in range(12)]
    with transaction() as session:
        for request in requests:
            declarations.open_retail(session, request)
    ids = db.session.scalars(select(Declaration.id).order_by(Declaration.number)).all()
    db.session.rollback()
    gate = threading.Barrier(len(ids))

    def take_one(declaration_id: uuid.UUID) -> str:
        with app.app_context():
            gate.wait()
            try:
                with transaction() as session:
                    reserve.reserve(session, declarations.locked(session, declaration_id))
            except Problem as problem:
                return problem.code
            return "reserved"

    with ThreadPoolExecutor(len(ids)) as pool:
        outcomes = sorted(pool.map(take_one, ids))
    assert outcomes == ["guarantee_exceeded"] * 7 + ["reserved"] * 5
    assert figures(lodged)[1] == "32.55"

    def give(declaration_id: uuid.UUID) -> int:
        with app.app_context(), transaction() as session:
            return reserve.release(session, declaration_id)

    with ThreadPoolExecutor(8) as pool:  # each twice: given back once
        given = sum(pool.map(give, [*ids, *ids]))
    assert (given, figures(lodged)[1]) == (5 * TAX, "0.00")


def test_the_commands_show_open_and_refill(window: FakeWindow, app: Any) -> None:
    runner = app.test_cli_runner()

    def say(*words: str) -> tuple[int, str]:
        done = runner.invoke(window_group, ["guarantee", *words])
        return done.exit_code, done.output

    assert say("show")[0] == 0
    own = builders.PARTIES.platform
    assert "in use 0.00 (0 %)" in say("open", "3105", own.code, own.name, "6.50")[1]
    filed("LF2611230001")
    code, told = say("show")
    assert (code, "1 lists wait for 6.51 CNY" in told) == (1, True)
    assert say("refill", "3105", "1.50", "--reference", "bank 7")[0] == 0
    assert "8.00 CNY" in say("show")[1]
    assert say("refill", "9999", "1")[0] == 1
    assert say("refill", "3105", "x")[0] == 2
    references = db.session.scalars(select(GuaranteeEntry.reference).where(GuaranteeEntry.kind == "refilled")).all()
    assert references == ["bank 7"]


def test_a_person_puts_right_what_a_list_keeps(window: FakeWindow, app: Any) -> None:
    def say(*words: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(window_group, ["guarantee", *words, "--reason", "why"])
        return done.exit_code, done.output

    lodged, number = lodge(1000), "LF2611230001"
    found = filed(number)
    code, told = say("release", number)
    assert (code, "is filed" in told, figures(lodged)[1]) == (1, True, "6.51")  # it needs it
    with transaction() as session:
        reserve.release(session, found)
    assert say("keep", number) == (0, "6.51 CNY kept\n")
    assert say("keep", number) == (0, "6.51 CNY kept\n")
    assert figures(lodged)[1] == "6.51"
    with transaction() as session:
        session.get_one(Declaration, found).status = "cancelled"
    assert (say("keep", number)[0], say("release", "NOBODY")[0]) == (1, 1)
    assert say("release", number) == (0, "6.51 CNY given back\n")
    assert (say("release", number)[0], figures(lodged)[1]) == (1, "0.00")
    db.session.rollback()
    last = db.session.scalars(select(GuaranteeEntry).order_by(GuaranteeEntry.id.desc())).first()
    assert (last.kind, last.actor, last.reference) == ("released", "command", "why")
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("guarantee_"))).all()
    assert sorted(actions) == ["guarantee_kept", "guarantee_kept", "guarantee_opened", "guarantee_released"]


def test_it_is_given_back_behind_the_lock_of_filing(window: FakeWindow, app: Any) -> None:
    lodge(1000)
    found = filed("LF2611230001")
    with transaction() as session:
        session.get_one(Declaration, found).status = "cancelled"

    def give() -> int:
        with app.app_context():
            return by_hand.release("t", "LF2611230001", "x")

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            declarations.locked(session, found)
            waits = pool.submit(give)
            with pytest.raises(TimeoutError):
                waits.result(0.5)
            session.get_one(Declaration, found, populate_existing=True).status = "filed"
        with pytest.raises(Problem) as refused:
            waits.result(10)
    assert refused.value.code == by_hand.NEEDED


def test_the_desk_reads_and_the_operator_changes(window: FakeWindow, app: Any) -> None:
    operator, desk, buyer = Caller(app, "operator"), Caller(app, "customs"), Caller(app, "consumer")
    body = {"code": "4601960A01", "name": "G", "office": "3105", "amount": "10.00"}
    assert desk.post("/customs/guarantees", body).status_code == 403
    made = operator.post("/customs/guarantees", body)
    assert made.status_code == 201
    lodged = made.get_json()["id"]
    assert operator.post("/customs/guarantees", body).get_json()["code"] == "guarantee_exists"
    assert operator.post("/customs/guarantees", {**body, "office": "9998"}).status_code == 422
    assert operator.post("/customs/guarantees", {**body, "amount": "0"}).status_code == 422
    more = {"amount": "5.00", "reference": "bank"}
    assert operator.post(f"/customs/guarantees/{lodged}/refill", more).get_json()["amount"] == "15.00"
    assert operator.post(f"/customs/guarantees/{lodged}/reduce", more).get_json()["amount"] == "10.00"
    assert operator.post(f"/customs/guarantees/{uuid.uuid4()}/refill", more).status_code == 404
    assert desk.get("/customs/guarantees").get_json()["items"][0]["free"] == "10.00"
    log = desk.get(f"/customs/guarantees/{lodged}/entries?limit=2").get_json()
    assert [each["kind"] for each in log["items"]] == ["reduced", "refilled"]
    log = desk.get(f"/customs/guarantees/{lodged}/entries?cursor={log['next']}").get_json()
    assert [each["kind"] for each in log["items"]] == ["opened"]
    assert buyer.get("/customs/guarantees").status_code == 403
    db.session.rollback()
    assert db.session.scalars(select(Guarantee.alert_percent)).one() == care.ALERT_PERCENT
    assert db.session.scalars(select(GuaranteeWait)).all() == []
