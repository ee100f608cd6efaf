"""F30: one person is one identity however typed; I16: the number is shown masked or not at all."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock
from core.database import db, transaction
from core.errors import Problem
from customs import allowance, persons
from customs.models import Person
from tests.customs.desk.builders import LIMIT, NUMBER, OTHER_NUMBER, YEAR, account, buyer

FULL_WIDTH = "１１０１０５１９４９１２３１００２Ｘ"


@pytest.fixture(autouse=True)
def _context(app: Any) -> Any:
    with app.app_context():
        yield


@pytest.mark.parametrize(
    "typed",
    [NUMBER, NUMBER.lower(), f" {NUMBER} ", "110105 19491231 002X", FULL_WIDTH, "110105-19491231-002x",
     "110105491231002", "1101054 91231 002"],
)  # fmt: skip
def test_one_person_however_typed(typed: str) -> None:
    _, first = buyer()
    _, second = buyer(typed)
    assert first == second
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1
    db.session.rollback()


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("110105194912310021", "check character"),
        ("11010519491231002", "18 characters"),
        ("11010519491331002X", "birthday"),
        ("110105194902300020", "birthday"),
        ("110105299912310028", "birthday"),
        ("", "18 characters"),
        ("11010519491231002Y", "18 characters"),
        ("ABCDEFGHIJKLMNOPQR", "18 characters"),
    ],
)
def test_a_wrong_number_names_its_field_and_not_itself(typed: str, rule: str) -> None:
    with pytest.raises(Problem) as refusal:
        persons.set_identity(account(), "张三", typed, "13800000000")
    assert refusal.value.status == 422
    assert list(refusal.value.errors) == ["id_number"]
    assert rule in refusal.value.detail
    assert not typed or typed not in str(refusal.value.errors) + refusal.value.detail


def test_the_answer_is_masked_and_the_filing_is_not() -> None:
    mine = account()
    said = persons.set_identity(mine, " 张  三 ", NUMBER.lower(), "138 0000 0000")
    assert said == {"name": "张 三", "id_number": "110***********002X", "verified": True}
    known = persons.identity_of(mine)
    assert known is not None
    assert NUMBER not in repr(known)
    assert persons.filing_person(db.session(), known.person_id, mine) == ("张 三", NUMBER, "13800000000")
    db.session.rollback()


def test_another_account_of_the_person_keeps_its_own_name() -> None:
    mine, person = buyer(name="张三")
    theirs, _ = buyer(name="別人")
    assert persons.filing_person(db.session(), person, mine)[0] == "张三"
    assert persons.filing_person(db.session(), person, theirs)[0] == "別人"
    db.session.rollback()


def test_an_identity_stays_while_its_orders_are_under_way() -> None:
    mine, person = buyer()
    with transaction() as session:
        allowance.hold(session, person, "LF1", 1000, YEAR, LIMIT, account_id=mine)
    with pytest.raises(Problem) as refusal:
        persons.set_identity(mine, "李四", OTHER_NUMBER, "13800000000")
    assert (refusal.value.code, refusal.value.status) == ("identity_in_use", 409)
    persons.set_identity(mine, "张三丰", NUMBER, "13900000000")  # the same person, better spelled
    with transaction() as session:
        allowance.give_back(session, "LF1")
    persons.set_identity(mine, "李四", OTHER_NUMBER, "13800000000")
    found = persons.identity_of(mine)
    assert found is not None
    assert found.person_id != person


def test_born_today_is_a_birthday_and_tomorrow_is_not() -> None:
    from stdnum.cn import ric

    assert clock.today().isoformat() == "2026-11-23"
    for digits, fine in (("11010520261123001", True), ("11010520261124001", False)):
        typed = digits + ric.calc_check_digit(digits + "0")
        if fine:
            assert persons.normal_number(typed) == typed
        else:
            with pytest.raises(Problem):
                persons.normal_number(typed)
