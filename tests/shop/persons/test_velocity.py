"""Bulk trade disguised as retail is looked at before it is filed; a family is not held up."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from core import clock
from core.database import db, transaction
from shop import payments, review, review_views, velocity, velocity_rules
from shop.models import OrderEvent
from shop.velocity_models import OrderTrace
from shop.velocity_rules import Rule
from tests.shop import builders, state
from tests.shop.builders import FakeStripe, Shelf
from tests.shop.persons.conftest import live, neighbour

Pay = Callable[..., list[str]]
PAID, REVIEW = ["paid"], ["payment_review"]
LITERAL = {"literal_binds": True}


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Only one rule of the file, its threshold small enough to be reached."""

    def only(key: str, most: int, **more: Any) -> None:
        [rule] = [each for each in velocity_rules._rules() if each.key == key]
        monkeypatch.setattr(velocity_rules, "on", lambda _day: (replace(rule, most=most, **more),))

    return only


def findings(purchase: dict[str, Any]) -> list[dict[str, Any]]:
    order_id = uuid.UUID(purchase["orders"][0]["id"])
    return state.fresh().scalars(select(OrderTrace.findings).where(OrderTrace.order_id == order_id)).one() or []


def test_the_file_is_read_and_no_rule_holds_up_a_family() -> None:
    rules = velocity_rules.on(date(2026, 11, 25))
    assert {rule.by for rule in rules} == {"address", "phone", "payer", "account", "person"}
    assert all(rule.most >= 3 for rule in rules)
    assert velocity_rules.review_without_name(date(2026, 11, 25)) is False


@pytest.mark.parametrize(
    ("field", "value"), [("by", "street"), ("count", "euros"), ("days", 0), ("most", 0), ("most", 500)]
)
def test_a_rule_that_makes_no_sense_is_refused(field: str, value: Any) -> None:
    row = {"key": "k", "by": "phone", "count": "persons", "days": 30, "most": 3, "first_day": date(2026, 1, 1)}
    assert isinstance(velocity_rules._read(row), Rule)
    with pytest.raises(ValueError, match=r"velocity\.toml: k"):
        velocity_rules._read({**row, field: value})


def test_three_people_of_a_family_are_not_looked_at(shelf: Shelf, place: Any, pay: Pay) -> None:
    crab = builders.put_listing(shelf)
    for _ in range(3):
        who = live(builders.buyer(), "翠苑新村3幢402", "13711112222")
        assert pay(place(who, (crab, "2")), mark="card-1") == PAID


@pytest.mark.parametrize(
    ("key", "home", "phones", "mark"),
    [
        ("persons_at_address", "文一路 7 号", "1380000{:04d}", None),
        ("persons_at_phone", "文二路{}号", "138 1234 5678", None),
        ("persons_of_payer", "文二路{}号", "1380000{:04d}", "card-9"),
    ],
)
def test_one_identity_too_many_is_looked_at(
    shelf: Shelf, place: Any, pay: Pay, rules: Any, key: str, home: str, phones: str, mark: str | None
) -> None:
    crab = builders.put_listing(shelf)
    rules(key, most=3)
    for number in range(3):
        who = live(builders.buyer(), home.format(number), phones.format(number))
        assert pay(place(who, (crab, "1")), mark=mark) == PAID
        assert pay(place(who, (crab, "1")), mark=mark) == PAID  # the same person again counts once
    fourth = live(builders.buyer(), home.format(9), phones.format(9))
    bought = place(fourth, (crab, "1"))
    assert pay(bought, mark=mark) == REVIEW
    [found] = findings(bought)
    assert (found["rule"], found["counted"], found["most"]) == (key, "4", 3)
    apart = neighbour()
    assert pay(place(apart, (crab, "1")), mark="another card") == PAID


def test_spelling_hides_neither_address_nor_telephone(shelf: Shelf, place: Any, pay: Pay, rules: Any) -> None:
    crab = builders.put_listing(shelf)
    rules("persons_at_address", most=1)
    assert pay(place(live(builders.buyer(), "文一路 7 号", "13800000001"), (crab, "1"))) == PAID
    assert pay(place(live(builders.buyer(), "文一路－７号", "13800000002"), (crab, "1"))) == REVIEW
    assert velocity._digits("+86 138-0000-0001") == velocity._digits("008613800000001") == "13800000001"
    assert velocity._digits("8613800") == "8613800"


def test_one_account_that_changes_its_identity(shelf: Shelf, place: Any, pay: Pay, rules: Any) -> None:
    crab, who = builders.put_listing(shelf), neighbour()
    rules("persons_of_account", most=1)
    bought = place(who, (crab, "1"))
    assert pay(bought) == PAID
    with transaction() as session:  # long ago in the account's eyes: the order is over
        session.execute(update(OrderTrace).values(person_id=uuid.uuid4()))
    again = place(who, (crab, "1"))
    assert pay(again) == REVIEW
    assert [found["rule"] for found in findings(again)] == ["persons_of_account"]


@pytest.mark.parametrize("key", ["orders_of_person", "orders_at_address"])
def test_many_orders(shelf: Shelf, place: Any, pay: Pay, rules: Any, key: str) -> None:
    crab, who = builders.put_listing(shelf), neighbour()
    rules(key, most=2, persons_from=1)
    assert [pay(place(who, (crab, "1"))) for _ in range(3)] == [PAID, PAID, REVIEW]


@pytest.mark.parametrize("key", ["units_at_address", "units_at_phone"])
def test_many_of_one_listing_by_several_identities(shelf: Shelf, place: Any, pay: Pay, rules: Any, key: str) -> None:
    crab, other = builders.put_listing(shelf, price_fen=1000), builders.put_listing(shelf, price_fen=1000)
    rules(key, most=12, persons_from=2)
    first, second = (live(builders.buyer(), "文一路7号", "13800001111") for _ in range(2))
    assert pay(place(first, (crab, "20"))) == PAID  # one person alone
    assert pay(place(second, (other, "12"))) == REVIEW  # two persons, 20 of the one
    with transaction() as session:
        session.execute(update(OrderTrace).values(findings=None).where(OrderTrace.findings.is_not(None)))
    rules(key, most=32, persons_from=2)
    assert pay(place(second, (crab, "12"))) == PAID  # 32 is fine
    last = place(first, (crab, "1"))
    assert pay(last) == REVIEW
    assert (findings(last)[0]["counted"], findings(last)[0]["listing"]) == ("33", str(crab))


def test_what_lies_before_the_window_does_not_count(
    shelf: Shelf, place: Any, pay: Pay, rules: Any, move_clock: Callable[[int], None]
) -> None:
    crab = builders.put_listing(shelf)
    rules("persons_at_address", most=1)
    move_clock(-30 * 86400 - 60)
    assert pay(place(live(builders.buyer(), "文一路7号"), (crab, "1"))) == PAID
    move_clock(0)
    assert pay(place(live(builders.buyer(), "文一路7号"), (crab, "1"))) == PAID
    assert pay(place(live(builders.buyer(), "文一路7号"), (crab, "1"))) == REVIEW


def test_domestic_goods_leave_no_trace(shelf: Shelf, place: Any, pay: Pay, rules: Any) -> None:
    rules("persons_at_address", most=1)
    fish = builders.put_listing(shelf, route="general_trade")
    for _ in range(2):
        assert pay(place(live(builders.buyer(), "文一路7号"), (fish, "1"))) == PAID
    assert state.fresh().scalar(select(func.count()).select_from(OrderTrace)) == 0


def test_applied_again_nothing_is_counted_twice(shelf: Shelf, place: Any, pay: Pay, rules: Any) -> None:
    crab = builders.put_listing(shelf)
    rules("orders_of_person", most=1)
    bought = place(neighbour(), (crab, "1"))
    for _ in range(3):
        payments.look(uuid.UUID(bought["purchase"]))
    assert pay(bought) == PAID
    payments.look(uuid.UUID(bought["purchase"]))
    assert state.statuses(bought) == PAID
    assert state.fresh().scalar(select(func.count()).select_from(OrderTrace)) == 1


def test_of_eight_paid_at_one_instant_exactly_the_allowed_ones_pass(
    app: Any, shelf: Shelf, place: Any, stripe: FakeStripe, rules: Any
) -> None:
    """The one too many is never missed: each payment counts those before it behind the lock they share."""
    crab = builders.put_listing(shelf)
    rules("persons_at_address", most=5)
    bought = [place(live(builders.buyer(), "文一路7号", f"1380000{n:04d}"), (crab, "1")) for n in range(8)]
    for each in bought:
        stripe.pay(each["payment"]["intent"])
    barrier, faults = threading.Barrier(8), []

    def apply(purchase: dict[str, Any]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                payments.look(uuid.UUID(purchase["purchase"]))
            except BaseException as fault:
                faults.append(fault)

    threads = [threading.Thread(target=apply, args=(each,)) for each in bought]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    states = [state.statuses(each)[0] for each in bought]
    assert (states.count("paid"), states.count("payment_review")) == (5, 3)


def test_many_orders_of_few_people_paid_at_once_never_wait_in_a_ring(
    app: Any, shelf: Shelf, place: Any, stripe: FakeStripe
) -> None:
    """Purchases of two orders each, of three people who share address, telephone and allowance."""
    other = builders.open_shelf()
    crab, fish = builders.put_listing(shelf, price_fen=1000), builders.put_listing(other, price_fen=1000)
    people = [live(builders.buyer(serial=820 + number % 3), "文一路7号", "13800001111") for number in range(6)]
    bought = [place(who, *pair) for who in people for pair in (((crab, "1"), (fish, "1")), ((fish, "1"), (crab, "1")))]
    for each in bought:
        stripe.pay(each["payment"]["intent"])
    gate, faults = threading.Barrier(6), []

    def apply(mine: list[dict[str, Any]]) -> None:
        with app.app_context():
            gate.wait()
            for purchase in mine:
                try:
                    payments.look(uuid.UUID(purchase["purchase"]))
                except BaseException as fault:
                    faults.append(fault)

    threads = [threading.Thread(target=apply, args=(bought[number::6],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [state.statuses(each) for each in bought] == [["paid", "paid"]] * 12
    assert state.books_balance()


def test_the_operator_sees_why_and_beside_what_and_decides(
    shelf: Shelf, place: Any, pay: Pay, rules: Any, client: Any, run_jobs: Any
) -> None:
    crab = builders.put_listing(shelf)
    rules("persons_at_address", most=1)
    first = place(live(builders.buyer(), "文一路7号", "13800000001"), (crab, "1"))
    pay(first)
    second = place(live(builders.buyer(), "文一路7号", "13800000002"), (crab, "1"))
    assert pay(second) == REVIEW
    run_jobs("shop.file")
    assert state.statuses(second) == REVIEW  # nothing is filed before somebody has looked
    operator = builders.open_account("operator")
    answer = client.get("/api/v1/shop/reviews", headers=builders.token_of(operator))
    [waiting] = answer.get_json()["items"]
    assert (waiting["number"], waiting["findings"][0]["rule"]) == (second["orders"][0]["number"], "persons_at_address")
    assert [(other["number"], other["shares"]) for other in waiting["others"]] == [
        (first["orders"][0]["number"], ["address"])
    ]
    assert client.get("/api/v1/shop/reviews").status_code == 401
    buyer = builders.token_of(builders.buyer())
    assert client.get("/api/v1/shop/reviews", headers=buyer).status_code == 403
    review.decide(operator, uuid.UUID(second["orders"][0]["id"]), "accept", "a family of shopkeepers")
    run_jobs("shop.file")
    assert state.statuses(second) == ["declared"]
    assert review_views.page_of(10, None)["items"] == []


def test_the_buyer_is_not_told_the_thresholds(shelf: Shelf, place: Any, pay: Pay, rules: Any) -> None:
    crab = builders.put_listing(shelf)
    rules("orders_of_person", most=1)
    who = neighbour()
    pay(place(who, (crab, "1")))
    pay(place(who, (crab, "1")))
    told = state.fresh().scalars(select(OrderEvent.detail).where(OrderEvent.event == "payment_review")).all()
    assert told == ["looked at by a person before it is declared"]


def test_a_count_asks_an_index(context: None) -> None:
    """However many orders there are, the newest that share something are read from their index."""
    plans = {}
    for rule in velocity_rules._rules():
        value = uuid.uuid4() if rule.by in ("account", "person") else 1
        query = select(velocity._newest(rule, value, clock.now())).compile(db.engine, compile_kwargs=LITERAL)
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plans[rule.by] = "\n".join(db.session.scalars(text(f"EXPLAIN {query}".replace(":", "\\:"))))
        db.session.rollback()
    assert all(f"ix_order_trace_{by}" in plan and "Sort" not in plan for by, plan in plans.items()), plans
