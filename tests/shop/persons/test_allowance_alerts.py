"""Each use of the allowance is told to every account of the person, and an entry can be disputed (pain A29)."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from core import clock
from core.accounts import Actor
from core.money import fen_text
from shop import cancellation, expiry
from shop.models import Incident, Order
from shop.notification_models import Notice
from tests.shop import builders, paying, state
from tests.shop.builders import Shelf

ALLOWANCE = "/api/v1/me/allowance"


def told(actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """The notices about the allowance of an account, in their order."""
    rows = select(Notice).where(Notice.account_id == actor.id, Notice.kind.like("allowance%")).order_by(Notice.at)
    return [(row.kind, row.facts) for row in state.fresh().scalars(rows)]


def statement(client: Any, actor: Actor) -> dict[str, Any]:
    return client.get(ALLOWANCE, headers=builders.token_of(actor)).get_json()


def dispute(client: Any, actor: Actor, **body: Any) -> Any:
    return client.post(f"{ALLOWANCE}/disputes", json=body, headers=builders.token_of(actor))


def value(number: str) -> str:
    return fen_text(state.fresh().scalars(select(Order.dutiable_value_fen).where(Order.number == number)).one())


def test_both_accounts_hear_of_a_use_and_only_the_buyer_of_its_order(shelf: Shelf, place: Any, stripe: Any) -> None:
    crab = builders.put_listing(shelf)
    thief, victim = builders.buyer(name="王芳", serial=801), builders.buyer(name="李梅", serial=801)
    stranger = builders.buyer(serial=802)
    sold = paying.sell(place, stripe, thief, (crab, "1"))
    amount = value(sold["number"])
    [(kind, facts)] = told(thief)
    assert (kind, facts["number"], facts["amount"]) == ("allowance_used", sold["number"], amount)
    [(kind, facts)] = told(victim)
    assert (kind, facts["amount"], facts["day"]) == ("allowance_used_elsewhere", amount, clock.today().isoformat())
    assert sold["number"] not in str(facts)
    assert "王芳" not in str(facts)
    assert told(stranger) == []


def test_nothing_is_told_of_what_was_only_held(shelf: Shelf, place: Any, move_clock: Callable[[int], None]) -> None:
    buyer = builders.buyer()
    unpaid = place(buyer, (builders.put_listing(shelf), "1"))
    move_clock(700)
    expiry.expire(uuid.UUID(unpaid["purchase"]))
    assert state.statuses(unpaid) == ["cancelled"]
    assert told(buyer) == []


def test_what_is_given_back_is_told_with_what_is_left(shelf: Shelf, place: Any, stripe: Any) -> None:
    buyer, other = builders.buyer(serial=803), builders.buyer(serial=803)
    sold = paying.sell(place, stripe, buyer, (builders.put_listing(shelf), "1"))
    cancellation.cancel(buyer, sold["order"])
    assert [kind for kind, _ in told(buyer)] == ["allowance_used", "allowance_given_back"]
    kind, facts = told(other)[-1]
    assert (kind, facts["remaining"]) == ("allowance_given_back_elsewhere", "26000.00")
    cancellation.cancel(buyer, sold["order"])  # twice is once
    assert len(told(buyer)) == 2


def test_the_statement_shows_all_entries_of_the_person_and_masks_the_others(
    shelf: Shelf, place: Any, stripe: Any, client: Any
) -> None:
    thief, victim = builders.buyer(serial=804), builders.buyer(serial=804)
    sold = paying.sell(place, stripe, thief, (builders.put_listing(shelf), "1"))
    seen = statement(client, victim)
    assert [(entry["kind"], entry["own"], entry["order"]) for entry in seen["entries"]] == [
        ("used", False, None), ("held", False, None)
    ]  # fmt: skip
    assert sold["number"] not in str(seen)
    assert {entry["order"] for entry in statement(client, thief)["entries"]} == {sold["number"]}
    assert statement(client, builders.buyer(serial=805))["entries"] == []


def test_an_entry_is_disputed_once_and_an_operator_sees_the_order(
    shelf: Shelf, place: Any, stripe: Any, client: Any
) -> None:
    thief, victim = builders.buyer(serial=806), builders.buyer(serial=806)
    sold = paying.sell(place, stripe, thief, (builders.put_listing(shelf), "1"))
    entry = statement(client, victim)["entries"][0]
    assert entry["dispute"] is None
    for _ in range(2):
        answer = dispute(client, victim, entry=entry["id"], reason="I have bought nothing this year")
        assert (answer.status_code, answer.get_json()["dispute"]) == (201, "open")
        assert sold["number"] not in answer.get_data(as_text=True)
    [incident] = state.fresh().scalars(select(Incident)).all()
    assert (incident.kind, incident.object_id) == ("allowance_disputed", str(entry["id"]))
    detail = incident.detail
    assert (detail["order"], detail["placed_by"], detail["disputed_by"]) == (
        sold["number"], str(thief.id), str(victim.id)
    )  # fmt: skip
    assert statement(client, victim)["entries"][0]["dispute"] == "open"
    operator = builders.token_of(builders.open_account("operator"))
    close = f"/api/v1/shop/incidents/{incident.id}/close"
    assert client.post(close, json={"remedy": "the account is closed"}, headers=operator).status_code == 200
    assert statement(client, victim)["entries"][0]["dispute"] == "closed"
    assert told(victim)[-1][0] == "allowance_dispute_closed"
    assert "the account is closed" not in str(told(victim))
    assert dispute(client, victim, entry=entry["id"], reason="again").status_code == 201
    assert statement(client, victim)["entries"][0]["dispute"] == "open"


def test_an_entry_of_somebody_else_is_not_found(shelf: Shelf, place: Any, stripe: Any, client: Any) -> None:
    buyer, stranger = builders.buyer(serial=807), builders.buyer(serial=808)
    paying.sell(place, stripe, buyer, (builders.put_listing(shelf), "1"))
    entry = statement(client, buyer)["entries"][0]["id"]
    assert dispute(client, stranger, entry=entry, reason="mine?").status_code == 404
    assert dispute(client, builders.buyer(with_identity=False), entry=entry, reason="x").status_code == 404
    assert dispute(client, buyer, entry=10**15, reason="x").status_code == 404
    for wrong in (
        {"entry": 0, "reason": "x"},
        {"entry": "1x", "reason": "x"},
        {"entry": entry},
        {"entry": entry, "reason": ""},
    ):
        assert dispute(client, buyer, **wrong).status_code == 422
    assert client.post(f"{ALLOWANCE}/disputes", json={"entry": entry, "reason": "x"}).status_code == 401
    assert state.fresh().scalars(select(Incident)).all() == []


def test_placing_tells_nobody_anything(shelf: Shelf, place: Any) -> None:
    """The path of an order pays nothing for alerts."""
    place(builders.buyer(), (builders.put_listing(shelf), "1"))
    assert state.fresh().scalars(select(Notice)).all() == []
