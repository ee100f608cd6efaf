"""Payer = buyer by declaration: whoever pays for somebody else is looked at before anything is filed."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from core.periods import Period
from shop import review, stripe_objects, velocity_rules
from shop.models import Order
from shop.velocity_models import OrderTrace
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.persons.conftest import neighbour
from tests.shop.test_with_stripe import Sandbox, bought, sandbox, until, web  # noqa: F401 - fixtures

Pay = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("payer", "ends"),
    [("王芳", "paid"), (" 王　芳 ", "paid"), ("王方", "payment_review"), ("Wang Fang", "payment_review")],
)
def test_the_name_of_the_payment_is_the_buyers_or_a_person_looks(
    shelf: Shelf, place: Any, pay: Pay, payer: str, ends: str
) -> None:
    sold = place(neighbour(name="王芳"), (builders.put_listing(shelf), "1"))
    assert pay(sold, payer) == [ends]
    found = state.fresh().scalars(select(OrderTrace.findings)).one()
    assert found == ([{"rule": "payer_differs"}] if ends == "payment_review" else None)


def test_refused_it_is_paid_back_and_never_filed(shelf: Shelf, place: Any, pay: Pay, run_jobs: Any) -> None:
    sold = place(neighbour(), (builders.put_listing(shelf), "1"))
    assert pay(sold, "somebody else") == ["payment_review"]
    order_id = uuid.UUID(sold["orders"][0]["id"])
    review.decide(builders.open_account("operator"), order_id, "refuse", "the payer is not the buyer")
    run_jobs()
    assert state.statuses(sold) == ["refunded"]
    assert state.allowance_sums() == (0, 0)
    assert state.books_balance()


@pytest.mark.parametrize(("does", "ends"), [("file", "paid"), ("review", "payment_review")])
def test_a_payment_without_a_name_follows_the_platforms_rule(
    shelf: Shelf, place: Any, pay: Pay, monkeypatch: pytest.MonkeyPatch, does: str, ends: str
) -> None:
    monkeypatch.setattr(velocity_rules, "_without_name", lambda: ((Period(date(2014, 1, 1)), does),))
    sold = place(neighbour(), (builders.put_listing(shelf), "1"))
    assert pay(sold, None) == [ends]


def test_domestic_goods_may_be_paid_by_anybody(shelf: Shelf, place: Any, pay: Pay) -> None:
    fish = builders.put_listing(shelf, route="general_trade")
    assert pay(place(neighbour(), (fish, "1")), "an uncle") == ["paid"]


@pytest.mark.parametrize("kind", ["card", "alipay", "wechat_pay"])
def test_one_payer_is_told_from_another_by_what_stripe_calls_the_fingerprint(kind: str) -> None:
    charge = {
        "object": "charge", "id": "ch_1", "amount": 1, "amount_captured": 1, "amount_refunded": 0, "currency": "cny",
        "status": "succeeded", "captured": True, "created": 1, "billing_details": {"name": "王芳"},
        "payment_method_details": {"type": kind, kind: {"fingerprint": "Xt5EWLLDS7FJjR1c"}},
    }  # fmt: skip
    read = stripe_objects._charge(charge)
    assert (read.payer_mark, read.payer_name) == ("Xt5EWLLDS7FJjR1c", "王芳")
    assert "Xt5E" not in repr(read)
    charge["payment_method_details"] = {"type": kind, kind: {}}
    assert stripe_objects._charge(charge).payer_mark is None


def wallet(box: Sandbox, intent: str, kind: str, name: str | None) -> None:
    """Pay by a wallet as a buyer does: confirm, then agree on the wallet's page."""
    given = {"type": kind} | ({"billing_details[name]": name} if name else {})
    method = box.post("/v1/payment_methods", **given)["id"]
    box.post(f"/v1/payment_intents/{intent}/confirm", payment_method=method, return_url="http://127.0.0.1:9/back")
    request = urllib.request.Request(
        f"{box.base}/sandbox/authorize/{intent}",
        json.dumps({"outcome": "pay"}).encode(),
        {"Content-Type": "application/json", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("kind", "name", "ends"),
    [
        ("alipay", "王芳", "declared"),
        ("wechat_pay", "王芳", "declared"),
        ("alipay", "李雷", "payment_review"),
        ("wechat_pay", "李雷", "payment_review"),
        ("alipay", None, "declared"),
    ],
)
def test_wallets_at_the_sandbox(
    bought: Any,  # noqa: F811
    sandbox: Any,  # noqa: F811
    run_jobs: Any,
    kind: str,
    name: str | None,
    ends: str,
) -> None:
    wallet(sandbox, bought["intent"], kind, name)
    until(lambda: state.statuses(bought) == [ends], run_jobs)
    assert state.fresh().scalars(select(Order.payer_name)).one() == name
