"""Cancelling: everything back exactly once, whoever else moves the order at the same time."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import transaction
from core.errors import Problem
from shop import cancellation, expiry, filing, fulfilment, ledger, moves, payments, refunds
from shop.models import Order
from tests.shop import builders, state
from tests.shop.test_payment import fen


@pytest.fixture
def bought(place: Any, shelf: Any) -> dict[str, Any]:
    """One retail order, awaiting payment."""
    crab, buyer = builders.put_listing(shelf, stock="5"), builders.buyer()
    answer = place(buyer, (crab, "2"))
    return {
        **answer,
        "buyer": buyer,
        "crab": crab,
        "order": uuid.UUID(answer["orders"][0]["id"]),
        "number": answer["orders"][0]["number"],
        "intent": answer["payment"]["intent"],
    }


@pytest.fixture
def paid(bought: Any, stripe: Any) -> dict[str, Any]:
    stripe.pay(bought["intent"])
    payments.look(uuid.UUID(bought["purchase"]))
    assert state.statuses(bought) == ["paid"]
    return bought


@pytest.fixture
def domestic(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    """A paid general trade order."""
    beef, buyer = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="5"), builders.buyer()
    answer = place(buyer, (beef, "2"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    return {**answer, "buyer": buyer, "beef": beef, "order": uuid.UUID(answer["orders"][0]["id"])}


def everything_is_back(bought: Any, stripe: Any) -> None:
    assert state.stock(bought["crab"]) == (Decimal(5), Decimal(0))
    assert state.allowance_sums() == (0, 0)
    assert state.refunds() == [(fen(bought["total"]), "paid")]
    assert stripe.refunded() == fen(bought["total"])
    for account in ("stripe_cash", "merchant_payable", "customs_tax_payable", "logistics_payable", "refund_payable"):
        assert state.balance(account) == 0
    assert state.books_balance()


def test_before_payment_the_hold_is_freed_and_the_intent_ended(bought: Any, stripe: Any, run_jobs: Any) -> None:
    cancellation.cancel(bought["buyer"], bought["order"])
    cancellation.cancel(bought["buyer"], bought["order"])
    run_jobs("shop.close")
    assert state.statuses(bought) == ["cancelled"]
    assert state.stock(bought["crab"]) == (Decimal(5), Decimal(0))
    assert state.allowance_sums() == (0, 0)
    assert stripe.intents[bought["intent"]].status == "canceled"
    assert state.refunds() == []


def test_paid_while_cancelled_goes_back(bought: Any, stripe: Any, run_jobs: Any) -> None:
    cancellation.cancel(bought["buyer"], bought["order"])
    stripe.pay(bought["intent"])
    run_jobs("shop.close")
    run_jobs("shop.pay_refund")
    assert state.statuses(bought) == ["cancelled"]
    everything_is_back(bought, stripe)


def test_paid_but_not_declared_is_refunded_at_once(paid: Any, stripe: Any, run_jobs: Any) -> None:
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.")
    assert state.statuses(paid) == ["refunded"]
    everything_is_back(paid, stripe)


def test_twenty_cancellations_at_once_are_one(paid: Any, stripe: Any, run_jobs: Any, together: Any) -> None:
    assert together([lambda: cancellation.cancel(paid["buyer"], paid["order"])] * 20) == {"done": 20}
    run_jobs("shop.")
    everything_is_back(paid, stripe)


def test_a_declared_order_is_refunded_when_customs_has_let_go(paid: Any, stripe: Any, run_jobs: Any) -> None:
    run_jobs("shop.file")
    assert state.statuses(paid) == ["declared"]
    with transaction() as session:  # the list has gone out, so customs must be asked
        from customs.models import WindowDocument

        for document in session.scalars(select(WindowDocument)):
            document.xml, document.status = b"sent", "sent"
    cancellation.cancel(paid["buyer"], paid["order"])
    assert state.statuses(paid) == ["declared"]
    assert state.refunds() == []
    with transaction() as session:
        filing.on_declaration(session, paid["number"], "cancelled", {"detail": "399"})
    with transaction() as session:
        filing.on_declaration(session, paid["number"], "cancelled", {"detail": "399"})
    run_jobs("shop.pay_refund")
    assert state.statuses(paid) == ["refunded"]
    everything_is_back(paid, stripe)


def test_a_declaration_that_never_left_is_void_at_once(paid: Any, stripe: Any, run_jobs: Any) -> None:
    run_jobs("shop.file")
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    assert state.statuses(paid) == ["refunded"]
    everything_is_back(paid, stripe)


@pytest.mark.parametrize("state_word", ["rejected", "returned_abroad"])
def test_what_customs_refuses_is_paid_back(paid: Any, stripe: Any, run_jobs: Any, state_word: str) -> None:
    run_jobs("shop.file")
    with transaction() as session:
        filing.on_declaration(session, paid["number"], "held", {})
    assert state.statuses(paid) == ["held"]
    with transaction() as session:
        filing.on_declaration(session, paid["number"], state_word, {"detail": "-621018"})
    run_jobs("shop.pay_refund")
    assert state.statuses(paid) == ["refunded"]
    everything_is_back(paid, stripe)


def test_released_goods_cannot_be_cancelled(paid: Any, run_jobs: Any) -> None:
    run_jobs("shop.file")
    with transaction() as session:
        filing.on_declaration(session, paid["number"], "released", {"day": clock.today().isoformat()})
    with pytest.raises(Problem) as refusal:
        cancellation.cancel(paid["buyer"], paid["order"])
    assert (refusal.value.code, refusal.value.status) == ("order_state", 409)
    assert "return" in str(refusal.value.extra["hint"])


def test_a_refused_withdrawal_leaves_the_order_and_can_be_asked_again(paid: Any, run_jobs: Any) -> None:
    run_jobs("shop.file")
    with transaction() as session:
        session.get_one(Order, paid["order"]).cancel_requested_at = clock.now()
    with transaction() as session:
        filing.on_declaration(session, paid["number"], "cancel_refused", {"detail": "too late"})
    assert state.fresh().get_one(Order, paid["order"]).cancel_requested_at is None
    assert state.statuses(paid) == ["declared"]


def test_filing_twice_is_one_declaration(paid: Any) -> None:
    from customs.models import Declaration

    filing.file_order(str(paid["order"]))
    filing.file_order(str(paid["order"]))
    declaration = state.fresh().scalars(select(Declaration)).one()
    assert declaration.order_number == paid["number"]
    assert declaration.charged_tax_fen == fen(paid["orders"][0]["tax"])


def test_a_filing_whose_job_died_is_made_up_for(paid: Any, move_clock: Any) -> None:
    filing.chase_filings()
    assert state.statuses(paid) == ["paid"]  # its own job may still come
    move_clock(61)
    filing.chase_filings()
    assert state.statuses(paid) == ["declared"]


def test_an_unpaid_order_is_never_filed(bought: Any) -> None:
    from customs.models import Declaration

    filing.file_order(str(bought["order"]))
    assert state.fresh().scalars(select(Declaration)).all() == []


def test_a_stranger_cannot_cancel(bought: Any) -> None:
    with pytest.raises(Problem) as refusal:
        cancellation.cancel(builders.buyer(), bought["order"])
    assert refusal.value.status == 404
    assert state.statuses(bought) == ["awaiting_payment"]


def test_cancel_and_ship_have_one_outcome(domestic: Any, shelf: Any, stripe: Any, run_jobs: Any, together: Any) -> None:
    at = clock.now()
    steps = [
        lambda: cancellation.cancel(domestic["buyer"], domestic["order"]),
        lambda: fulfilment.ship(shelf.owner, domestic["order"], at),
    ]
    assert together(steps) == {"done": 1, "order_state": 1}
    run_jobs("shop.pay_refund")
    (status,) = state.statuses(domestic)
    on_hand, reserved = state.stock(domestic["beef"])
    assert (status, on_hand, reserved, stripe.refunded()) in [
        ("shipped", Decimal(3), Decimal(0), 0),
        ("refunded", Decimal(5), Decimal(0), fen(domestic["total"])),
    ]
    assert state.books_balance()


def test_shipping_moves_stock_once_and_never_in_the_future(domestic: Any, shelf: Any, move_clock: Any) -> None:
    from datetime import timedelta

    with pytest.raises(Problem, match="future"):
        fulfilment.ship(shelf.owner, domestic["order"], clock.now() + timedelta(minutes=1))
    fulfilment.ship(shelf.owner, domestic["order"], clock.now())
    with pytest.raises(Problem) as refusal:
        fulfilment.ship(shelf.owner, domestic["order"], clock.now())
    assert refusal.value.status == 409
    assert state.stock(domestic["beef"]) == (Decimal(3), Decimal(0))
    with pytest.raises(Problem) as stranger:
        fulfilment.deliver(builders.open_shelf().owner, domestic["order"], clock.now())
    assert stranger.value.status == 404
    fulfilment.deliver(shelf.owner, domestic["order"], clock.now())
    assert state.statuses(domestic) == ["delivered"]
    move_clock(31 * 86400)
    fulfilment.complete_orders()
    assert state.statuses(domestic) == ["completed"]


def test_a_retail_order_is_not_shipped_before_release(paid: Any, shelf: Any) -> None:
    with pytest.raises(Problem) as refusal:
        fulfilment.ship(shelf.owner, paid["order"], clock.now())
    assert refusal.value.code == "order_state"


def test_two_refunds_of_sixty_percent_in_parallel(paid: Any, stripe: Any, together: Any) -> None:
    """The reserve is one conditional statement: the second is refused (F43)."""
    most = fen(paid["orders"][0]["goods"]) * 6 // 10

    def promise() -> None:
        with transaction() as session:
            order = session.get_one(Order, paid["order"])
            refunds.promise(session, order, {"goods": most, "freight": 0, "tax": 0}, "test")

    assert together([promise] * 2) == {"done": 1, "refund_exceeds_payment": 1}
    assert state.books_balance()


def test_every_split_of_an_order_refunds_exactly_what_was_paid(paid: Any, run_jobs: Any, stripe: Any) -> None:
    """Refunds of parts sum to the whole to the fen, and not a fen more is possible (F44)."""
    parts = ledger.parts_of(state.fresh().get_one(Order, paid["order"]))
    for name, amount in parts.items():
        for piece in (1, amount - 1):
            with transaction() as session:
                order = session.get_one(Order, paid["order"])
                refunds.promise(session, order, {**dict.fromkeys(parts, 0), name: piece}, "part")
    with pytest.raises(Problem), transaction() as session:
        order = session.get_one(Order, paid["order"])
        refunds.promise(session, order, {"goods": 1, "freight": 0, "tax": 0}, "too much")
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(paid["total"])
    assert state.balance("stripe_cash") == 0
    assert state.books_balance()


def test_an_expired_purchase_is_not_cancelled_again(bought: Any, move_clock: Any) -> None:
    move_clock(601)
    expiry.expire(uuid.UUID(bought["purchase"]))
    cancellation.cancel(bought["buyer"], bought["order"])
    assert state.stock(bought["crab"]) == (Decimal(5), Decimal(0))


def test_final_states_have_no_way_out_and_every_state_is_known() -> None:
    from shop.models import ORDER_STATUSES

    assert set(moves.MOVES) == set(ORDER_STATUSES)
    assert {status for status, targets in moves.MOVES.items() if not targets} == {"cancelled", "refunded", "returned"}
    assert all(target in moves.MOVES for targets in moves.MOVES.values() for target in targets)
