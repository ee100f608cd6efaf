"""The check finds nothing where all is well, names what is broken with what to do, and closes what is mended."""

from __future__ import annotations

import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from core.database import db, end_read
from core.errors import Problem
from customs import filing_documents
from customs.guarantee import by_hand, care
from customs.window_commands import window_group
from shop.window_check import faults, findings, run
from shop.window_check.kinds import KINDS
from shop.window_models import WindowCheck, WindowFinding
from tests.shop import builders, paying, state

Break = Callable[..., Any]


@pytest.fixture
def tamper(cluster: Any, database_url: str) -> Iterator[Break]:
    """Change what the application's own rules would not let through."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(cluster.conninfo(name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield lambda statement, *values: connection.execute(statement, values)


@pytest.fixture
def sold(place: Any, stripe: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:
    return paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050, quantity="2")


def found() -> list[tuple[str, str]]:
    told: list[faults.Fault] = []
    run.check(told.append)
    end_read()
    return [(each.kind, each.subject) for each in told]


def test_where_all_is_well_nothing_is_found(sold: Any, place: Any, stripe: Any, shelf: Any) -> None:
    crab = builders.put_listing(shelf)
    place(builders.buyer(), (crab, "1"))  # not paid
    paying.sell(place, stripe, builders.buyer(), (crab, "1"))  # paid a moment ago, not declared yet
    assert found() == []
    last = findings.last_check()
    assert last is not None
    assert (last["orders"], last["found"]) == (3, 0)


BROKEN = [
    ("DELETE FROM declaration", "declaration_missing"),
    ("UPDATE declaration SET status = 'cancelled'", "declaration_missing"),
    ("UPDATE sales_order SET status = 'refunded'", "declaration_of_unpaid"),
    ("UPDATE purchase SET status = 'expired'", "declaration_of_unpaid"),
    ("UPDATE declaration SET order_number = 'NOBODY', number = 'NOBODY'", "declaration_of_nobody"),
    ("UPDATE declaration SET status = 'failed', status_info = 'why'", "filing_stuck"),
    ("UPDATE allowance_hold SET state = 'used'", "allowance_state"),
    ("UPDATE allowance_hold SET returned_fen = 1", "allowance_amount"),
    ("UPDATE allowance_year SET used_fen = used_fen + 1", "allowance_sum"),
    ("UPDATE declaration_line SET tax_fen = tax_fen + 1, vat_fen = vat_fen + 1", "tax_held"),
    ("UPDATE ledger_posting SET kind = 'tax_difference' WHERE kind = 'capture'", "tax_held"),
    ("UPDATE declaration_line SET charged_tax_fen = charged_tax_fen - 1", "tax_lines"),
    ("UPDATE declaration_line SET quantity = 1", "tax_lines"),
    ("DELETE FROM declaration_line", "tax_lines"),
    ("""UPDATE declaration SET snapshot = snapshot || '{"paid_fen": 1}'""", "amount_paid"),
    ("UPDATE sales_order SET payment_no = 'other'", "amount_paid"),
    (
        "UPDATE window_document SET status = 'filed', first_sent_at = now() - interval '7 hours' WHERE kind = '621'",
        "document_unanswered",
    ),
    ("UPDATE declaration SET released_on = released_on - 32", "bill_missing"),
]


@pytest.mark.parametrize(("broken", "kind"), BROKEN)
def test_what_is_broken_is_named(sold: Any, tamper: Break, broken: str, kind: str) -> None:
    assert found() == []
    tamper(broken)
    told = found()
    subjects = [subject for name, subject in told if name == kind]
    assert len(subjects) == 1, told
    names = (sold["number"], "NOBODY", *(str(each) for each in _persons()))
    assert subjects[0].startswith(names)


def _persons() -> list[uuid.UUID]:
    from customs.models import Person

    return list(state.fresh().scalars(select(Person.id)))


def _bill(tamper: Break, number: str, status: str = "generated", tax_no: str = "T1", vat: int = 0) -> uuid.UUID:
    identity = uuid.uuid4()
    tamper(
        "INSERT INTO tax_bill (id, declaration_id, tax_no, status, return_time, duty_fen, consumption_tax_fen, vat_fen)"
        " SELECT %s, id, %s, %s, '20261125000000000', 0, 0, %s FROM declaration WHERE number = %s",
        identity, tax_no, status, vat, number,
    )  # fmt: skip
    return identity


def _tax(number: str) -> int:
    from shop.models import Order

    return int(state.fresh().scalars(select(Order.tax_fen).where(Order.number == number)).one())


def test_bills_are_compared_with_what_was_declared(sold: Any, tamper: Break) -> None:
    number = sold["number"]
    tax = _tax(number)
    first = _bill(tamper, number, vat=tax)
    assert found() == []
    tamper("UPDATE tax_bill SET vat_fen = vat_fen + 1")
    assert found() == [("bill_differs", number)]
    row = "INSERT INTO tax_difference VALUES (%s, 1, 'vat', 1, 2, %s, now())"
    tamper(row, first, "rounding_order")
    assert found() == []  # explained: it stands in the report of differences
    tamper("UPDATE tax_difference SET cause = 'rate'")
    assert found() == [("bill_differs", number)]
    tamper("DELETE FROM tax_difference")
    tamper("UPDATE tax_bill SET vat_fen = vat_fen - 1")
    _bill(tamper, number, "consolidated", "T2", tax)
    assert sorted(found()) == [("bill_twice", number), ("bill_unsettled", f"{number}/T2")]
    tamper("DELETE FROM tax_bill WHERE tax_no = 'T2'")
    tamper("UPDATE declaration SET released_on = released_on - 70")
    assert found() == [("bill_overdue", number)]
    tamper("UPDATE declaration SET status = 'returned_abroad', released_on = released_on + 70")
    assert ("bill_over", number) in found()


def test_a_list_under_a_guarantee_keeps_its_tax_of_it(sold: Any, tamper: Break) -> None:
    number, own = sold["number"], filing_documents.parties()
    values = {"code": own.platform.code, "name": own.platform.name, "office": "2991", "amount": 10**7}
    care.open_one("t", {**values, "office": "5301"})
    care.open_one("t", {**values, "code": "4601960ZZZ"})
    assert found() == []  # another office's, another guarantor's
    care.open_one("t", values)
    assert found() == []
    tamper("UPDATE guarantee SET in_use_fen = 0")
    tamper("DELETE FROM guarantee_hold")
    assert found() == [("guarantee_missing", number)]
    tamper("UPDATE warehouse SET guarantor = 'merchant'")
    assert found() == []
    tamper("UPDATE warehouse SET guarantor = 'platform'")
    by_hand.keep("t", number, "x")
    assert found() == []
    tamper("UPDATE guarantee_hold SET state = 'released'")
    tamper("UPDATE guarantee SET in_use_fen = 0")
    assert found() == [("guarantee_missing", number)]
    identity = _bill(tamper, number, "void", vat=_tax(number))
    assert found() == []  # settled once
    tamper("DELETE FROM tax_bill WHERE id = %s", identity)
    assert found() == [("guarantee_missing", number)]


def test_general_trade_that_is_not_paid_in_time_is_told(sold: Any, tamper: Break) -> None:
    number = sold["number"]
    filed = "UPDATE declaration SET kind = 'general_trade', status = 'declared', filed_on = current_date - %s"
    tamper(filed, 14)
    assert ("consignment_overdue", number) not in found()
    tamper(filed, 40)
    assert ("consignment_overdue", number) in found()
    tamper(
        "INSERT INTO tax_payment (id, number, declaration_id, created_at, paid_on, paid_fen, part)"
        " SELECT gen_random_uuid(), number, id, now(), current_date, 1, 0 FROM declaration"
    )
    assert ("consignment_overdue", number) not in found()


def test_receipts_that_wait_are_told_by_their_age(sold: Any, tamper: Break) -> None:
    row = (
        "INSERT INTO window_receipt (id, identity, kind, key, status, return_time, message_id, position, state,"
        " received_at) VALUES (gen_random_uuid(), %s, '622', '{}', '120', '20261125000000000', gen_random_uuid(), 0,"
        " %s, now() - %s::interval)"
    )
    tamper(row, "a", "stored", "5 minutes")
    tamper(row, "b", "quarantined", "50 minutes")
    assert found() == []
    tamper(row, "c", "stored", "11 minutes")
    tamper(row, "d", "quarantined", "61 minutes")
    assert sorted(kind for kind, _ in found()) == ["receipt_quarantined", "receipt_waiting"]


def test_a_finding_closes_by_itself_and_opens_again(sold: Any, tamper: Break, move_clock: Any) -> None:
    tamper("UPDATE declaration_line SET charged_tax_fen = charged_tax_fen - 1")
    assert found() == [("tax_lines", sold["number"])]
    (first,) = findings.page_of("open", None, 10, None)["items"]
    assert first["action"] == KINDS["tax_lines"].action
    move_clock(3600)
    found()
    (again,) = findings.page_of("open", None, 10, None)["items"]
    assert (again["id"], again["first_seen"]) == (first["id"], first["first_seen"])
    assert again["last_seen"] > first["last_seen"]
    tamper("UPDATE declaration_line SET charged_tax_fen = charged_tax_fen + 1")
    assert found() == []
    assert findings.page_of("open", None, 10, None)["items"] == []
    (closed,) = findings.page_of("closed", "tax_lines", 10, None)["items"]
    assert closed["closed_at"]
    tamper("UPDATE declaration_line SET charged_tax_fen = charged_tax_fen - 1")
    found()
    (opened,) = findings.page_of("open", None, 10, None)["items"]
    assert opened["id"] == first["id"]
    assert opened["first_seen"] > first["first_seen"]


def test_what_was_accepted_counts_no_more_until_it_changes(sold: Any, tamper: Break) -> None:
    tamper("UPDATE declaration_line SET charged_tax_fen = charged_tax_fen - 1")
    assert run.check() == 1
    (one,) = findings.page_of("open", None, 10, None)["items"]
    end_read()
    findings.accept("operator", uuid.UUID(one["id"]), "agreed with customs")
    assert run.check() == 0
    assert [each["remark"] for each in findings.page_of("accepted", None, 10, None)["items"]] == ["agreed with customs"]
    end_read()
    tamper("UPDATE declaration_line SET charged_tax_fen = charged_tax_fen - 1")
    assert run.check() == 1
    with pytest.raises(Problem):
        findings.accept("operator", uuid.uuid4(), "what")


def test_only_one_check_runs_at_a_time(sold: Any, tamper: Break) -> None:
    tamper("SELECT pg_advisory_lock(%s)", run._LOCK)
    with pytest.raises(Problem) as refused:
        run.check()
    assert refused.value.code == run.RUNNING
    run.check_nightly()  # the nightly one leaves it to the other
    assert state.fresh().scalars(select(WindowCheck)).all() == []


def test_the_command_tells_what_to_do_and_how_it_ended(sold: Any, tamper: Break, app: Any) -> None:
    runner = app.test_cli_runner()
    end_read()
    done = runner.invoke(window_group, ["reconcile"])
    assert (done.exit_code, done.output) == (0, "everything agrees\n")
    tamper("UPDATE allowance_hold SET state = 'used'")
    done = runner.invoke(window_group, ["reconcile"])
    assert done.exit_code == 1
    assert f"allowance_state {sold['number']}" in done.output
    assert KINDS["allowance_state"].action in done.output
    assert done.output.endswith("1 findings\n")
    tamper("SELECT pg_advisory_lock(%s)", run._LOCK)
    assert runner.invoke(window_group, ["reconcile"]).exit_code == 2


def test_what_is_sent_back_to_be_corrected_is_no_fault_nor_what_was_just_filed_again(sold: Any, tamper: Break) -> None:
    tamper("UPDATE declaration SET status = 'rejected', mend_until = now() + interval '1 day', released_on = NULL")
    tamper("UPDATE sales_order SET status = 'rejected', released_on = NULL")
    tamper("UPDATE allowance_hold SET state = 'used'")
    assert found() == []
    tamper("UPDATE declaration SET status = 'pending', mend_until = NULL, created_at = now() - interval '1 day'")
    tamper("UPDATE sales_order SET status = 'declared'")
    assert found() == [("filing_stuck", sold["number"])]
    tamper(
        "INSERT INTO declaration_correction (id, declaration_id, at, actor, reason, filed, fields)"
        " SELECT gen_random_uuid(), id, now(), 'desk', 'x', '{}', '[]' FROM declaration"
    )
    assert found() == []
    tamper("UPDATE declaration SET status = 'filed'")
    tamper("UPDATE window_document SET status = 'ready', first_sent_at = NULL, created_at = now() - interval '1 day'")
    assert found() == []
    tamper("UPDATE declaration_correction SET at = now() - interval '7 hours'")
    assert {kind for kind, _ in found()} == {"document_unanswered"}


def test_slices_cover_everything_and_old_runs_go(
    place: Any, stripe: Any, shelf: Any, run_jobs: Any, tamper: Break, monkeypatch: Any
) -> None:
    monkeypatch.setattr(faults, "SLICE", 2)
    monkeypatch.setattr(findings, "BATCH", 2)
    monkeypatch.setattr(run, "CHECKS_KEPT", 2)
    crab = builders.put_listing(shelf)
    numbers = [paying.sell(place, stripe, builders.buyer(), (crab, "1"))["number"] for _ in range(5)]
    run_jobs("shop.file")
    tamper("UPDATE sales_order SET payment_no = payment_no || 'x'")
    said: list[str] = []
    for _ in range(4):
        end_read()
        run.check(note=said.append)
    assert len(said) == 4 * 6
    rows = state.fresh().scalars(select(WindowFinding).order_by(WindowFinding.subject)).all()
    assert [row.subject for row in rows] == sorted(numbers)
    assert len(db.session.scalars(select(WindowCheck)).all()) == 2


def test_memory_stays_flat_however_much_is_found(context: None, monkeypatch: Any) -> None:
    def many(*_: Any) -> Iterator[faults.Fault]:
        for number in range(6000):
            yield faults.Fault("tax_lines", f"N{number}", "x" * 400)

    monkeypatch.setattr(run, "faults", many)
    monkeypatch.setattr(findings, "open_by_kind", dict)
    run.check()  # everything is loaded and compiled
    tracemalloc.start()
    run.check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000  # the findings alone are more than that
    assert db.session.scalar(select(func.count()).select_from(WindowFinding)) == 6000


def test_every_kind_has_its_words() -> None:
    kinds = {*faults._OF_ORDERS, *faults._AT_CUSTOMS, *faults._ALONE, faults.ACCOUNT_BOOK}
    assert kinds == set(KINDS)
