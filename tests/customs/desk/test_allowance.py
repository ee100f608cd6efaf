"""I4: per person and Beijing year never more than the limit, however many ask at once."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.database import db, transaction
from core.errors import Problem
from customs import allowance, allowance_views
from customs.models import AllowanceYear
from tests.customs.desk.builders import LIMIT, NUMBER, YEAR, buyer


def hold(person: uuid.UUID, account: uuid.UUID, number: str, amount: int, year: int = YEAR) -> None:
    with transaction() as session:
        allowance.hold(session, person, number, amount, year, LIMIT, account_id=account)


def change(name: str, *args: Any, **kwargs: Any) -> Any:
    with transaction() as session:
        return getattr(allowance, name)(session, *args, **kwargs)


def sums(person: uuid.UUID, year: int = YEAR) -> tuple[int, int]:
    query = select(AllowanceYear.reserved_fen, AllowanceYear.used_fen)
    row = db.session.execute(query.where(AllowanceYear.person_id == person, AllowanceYear.year == year)).one()
    db.session.rollback()
    return row[0], row[1]


@pytest.fixture
def context(app: Any) -> Any:
    with app.app_context():
        yield app


def test_twenty_at_once_over_two_accounts_stop_at_the_limit(context: Any) -> None:
    """Twenty of 3,000.00 against 26,000.00: eight fit, whoever comes first."""
    first, person = buyer()
    second, same = buyer(NUMBER.lower())
    assert same == person
    barrier = threading.Barrier(20)

    def order(number: int) -> str:
        with context.app_context():
            barrier.wait()
            try:
                hold(person, (first, second)[number % 2], f"LF{number:04d}", 300_000)
            except Problem as problem:
                return problem.code
            return "held"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(order, range(20)))
    assert (outcomes.count("held"), outcomes.count("annual_limit")) == (8, 12)
    assert sums(person) == (2_400_000, 0)


def test_equal_to_the_limit_is_allowed_and_a_fen_more_is_not(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", LIMIT)
    with pytest.raises(Problem) as refusal:
        hold(person, account, "LF2", 1)
    assert (refusal.value.code, refusal.value.status, refusal.value.extra["left"]) == ("annual_limit", 422, "0.00")
    assert sum(allowance.sums(person, YEAR)) == LIMIT


def test_a_refused_hold_leaves_nothing(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", 2_000_000)
    with pytest.raises(Problem):
        hold(person, account, "LF2", 700_000)
    assert sums(person) == (2_000_000, 0)
    with pytest.raises(Problem, match="no allowance"):
        change("use", "LF2", YEAR)


def test_held_used_confirmed_each_once(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", 10_332)
    for _ in range(2):
        change("use", "LF1", YEAR)
    assert sums(person) == (0, 10_332)
    for _ in range(2):
        change("confirm", "LF1")
    kinds = [entry["kind"] for entry in allowance_views.statement(person, YEAR, LIMIT, account_id=account)["entries"]]
    assert kinds == ["confirmed", "used", "held"]


@pytest.mark.parametrize("paid", [False, True])
def test_given_back_whole_exactly_once(context: Any, paid: bool) -> None:
    account, person = buyer()
    hold(person, account, "LF1", 10_332)
    if paid:
        change("use", "LF1", YEAR)
    assert change("give_back", "LF1") == 10_332
    assert change("give_back", "LF1") == 0
    assert sums(person) == (0, 0)


def test_given_back_by_ten_threads_is_given_back_once(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", 10_000)
    hold(person, account, "LF2", 10_000)
    change("use", "LF1", YEAR)

    def back(_: int) -> int:
        with context.app_context():
            return change("give_back", "LF1", kind="returned")

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(back, range(10))) == [0] * 9 + [10_000]
    assert sums(person) == (10_000, 0)


def test_parts_of_a_return_never_give_more_than_was_used(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", 10_332)
    change("use", "LF1", YEAR)
    change("confirm", "LF1")
    assert change("give_back", "LF1", 3_444, "returned") == 3_444
    assert change("give_back", "LF1", 3_444, "returned") == 3_444
    assert change("give_back", "LF1", 9_999, "returned") == 3_444
    assert sums(person) == (0, 0)


def test_the_year_of_the_payment_counts(context: Any) -> None:
    """Rule A4: held on 31 December, paid on 1 January."""
    account, person = buyer()
    hold(person, account, "LF1", 500_000)
    change("use", "LF1", YEAR + 1)
    assert sums(person) == (0, 0)
    assert sums(person, YEAR + 1) == (0, 500_000)
    assert change("give_back", "LF1") == 500_000
    assert sums(person, YEAR + 1) == (0, 0)


def test_a_full_new_year_refuses_the_payment_and_changes_nothing(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", 500_000)
    hold(person, account, "LF2", LIMIT, YEAR + 1)
    with pytest.raises(Problem) as refusal:
        change("use", "LF1", YEAR + 1)
    assert refusal.value.code == "annual_limit"
    assert sums(person) == (500_000, 0)


def test_the_database_itself_refuses_more(context: Any) -> None:
    account, person = buyer()
    hold(person, account, "LF1", LIMIT)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("UPDATE allowance_year SET used_fen = used_fen + 1"))
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("DELETE FROM allowance_entry"))


def test_the_statement_tells_of_another_account_only_what_concerns_the_person(context: Any) -> None:
    mine, person = buyer()
    theirs, _ = buyer()
    hold(person, mine, "LF1", 100_000)
    hold(person, theirs, "LF2", 200_000)
    said = allowance_views.statement(person, YEAR, LIMIT, account_id=mine)
    assert (said["limit"], said["reserved"], said["used"], said["remaining"]) == (
        "26000.00",
        "3000.00",
        "0.00",
        "23000.00",
    )
    other, own = said["entries"]
    assert (own["order"], own["own"], own["amount"]) == ("LF1", True, "1000.00")
    assert (other["order"], other["own"], other["amount"], other["kind"]) == (None, False, "2000.00", "held")
    assert "LF2" not in str(said)
    assert other["at"].endswith("T16:00:00Z")  # the beginning of the day in Beijing, no more


def test_without_an_identity_everything_is_left(context: Any) -> None:
    said = allowance_views.statement(None, YEAR, LIMIT, account_id=uuid.uuid4())
    assert (said["remaining"], said["entries"]) == ("26000.00", [])
