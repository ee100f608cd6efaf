"""A web process or a worker killed at each step from the buyer's payment to what customs answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from customs import receipts
from customs.models import Declaration, WindowDocument
from shop import checkout, orders, webhooks
from shop.models import OrderEvent, StripeEvent
from shop.quotes import Item
from tests.customs.desk.builders import at, receipt
from tests.customs.desk.window import FakeWindow
from tests.shop import builders, state
from tests.shop.conftest import sign, webhook_body
from tests.shop.kills.conftest import Each, Stem
from tests.shop.test_with_stripe import Sandbox

Audit = Callable[[], list[str]]


def paid(box: Sandbox, buyer: Any, listing: uuid.UUID) -> dict[str, Any]:
    """An order whose buyer has paid at Stripe; nobody here has heard of it."""
    purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(listing, Decimal(1))])
    checkout.pay_for(purchase_id)
    answer = orders.purchase_of(buyer.id, purchase_id)
    box.confirm(answer["payment"]["intent"])
    return answer


def notice(answer: dict[str, Any]) -> dict[str, Any]:
    """Stripe's notice of the payment, as a request."""
    raw = webhook_body(answer["payment"]["intent"])
    path, headers = "/api/v1/shop/stripe/webhook", {"Stripe-Signature": sign(raw)}
    return {"method": "POST", "path": path, "headers": headers, "data": raw.decode()}


def hear(answer: dict[str, Any]) -> None:
    """The same notice, taken by a web process that lives."""
    told = notice(answer)
    webhooks.receive(told["data"].encode(), told["headers"]["Stripe-Signature"])


def declarations() -> list[uuid.UUID]:
    return list(state.fresh().scalars(select(Declaration.id).order_by(Declaration.id)))


def papers(declaration_id: uuid.UUID) -> set[str]:
    """The guids of a declaration's documents that are built."""
    own = select(WindowDocument.guid).where(WindowDocument.declaration_id == declaration_id)
    return set(state.fresh().scalars(own.where(WindowDocument.xml.is_not(None))))


def answered(settings: Any, found: uuid.UUID, kind: str, status: str) -> dict[str, Any]:
    """Customs' receipt for a document, as a request at our door."""
    more = {"invtNo": f"310520262I{found.int % 10**8:08d}"} if kind == "621" else {}
    headers = {"Authorization": f"Bearer {settings.receipt_token}", "Content-Type": "application/xml"}
    body = receipt(found, kind, status, at(60), **more).decode()
    return {"method": "POST", "path": "/api/v1/customs/receipts", "headers": headers, "data": body}


def test_a_notice_is_taken_by_nobody_or_by_somebody(
    stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Audit
) -> None:
    """Stripe tells again until it is answered, and when it never does, the reconciler looks (F21)."""
    crab, buyer = builders.put_listing(shelf, price_fen=1000), builders.buyer()
    asked = at_each_point(lambda: notice(paid(box, buyer, crab)))
    for _, request in asked[1:]:
        assert stem.run("request", **request).result["status"] == 200
    stem.live()
    assert state.counted() == {"declared": len(asked)}
    assert state.fresh().scalar(select(func.count(StripeEvent.id))) == len(asked) - 1
    assert audit() == []


def test_a_worker_dies_from_the_capture_to_the_papers(
    stem: Stem, box: Sandbox, shelf: Any, window: FakeWindow, at_each_point: Each, audit: Audit
) -> None:
    """Applied once, filed once, every paper under the guid it had from the first."""
    crab, buyer = builders.put_listing(shelf, price_fen=1000), builders.buyer()

    def begin() -> None:
        hear(paid(box, buyer, crab))

    count = len(at_each_point(begin, "work"))
    assert count > 20
    stem.live()
    assert state.counted() == {"declared": count}
    events = state.fresh().execute(select(OrderEvent.event, func.count()).group_by(OrderEvent.event))
    assert dict(events.all()) == dict.fromkeys(("placed", "paid", "declared"), count)
    for found in declarations():
        known = papers(found)
        assert len(known) == 3
        assert known <= {guid for _, guid, _ in window.sent}
    assert audit() == []


def test_a_process_dies_from_the_receipts_to_the_release(
    stem: Stem, box: Sandbox, shelf: Any, window: FakeWindow, settings: Any, at_each_point: Each, audit: Audit
) -> None:
    """Receipts taken, the list sent, the goods let in, each once."""
    crab, buyer = builders.put_listing(shelf, price_fen=1000), builders.buyer()

    def papers_taken() -> uuid.UUID:
        hear(paid(box, buyer, crab))
        stem.run("work")
        found = declarations()[-1]
        for kind in ("311", "411", "511"):
            receipts.store(answered(settings, found, kind, "120")["data"].encode())
        return found

    listed = [found for _, found in at_each_point(papers_taken, "work")]
    stem.live()
    assert len(listed) > 8
    lists = [guid for kind, guid, _ in window.sent if kind == "621"]
    assert all(papers(found) & set(lists) for found in listed)

    left = list(listed)

    def a_list() -> uuid.UUID:
        """One that is filed and not let in yet; there are more points to die at than lists from before."""
        if not left:
            found = papers_taken()
            stem.live()
            listed.append(found)
            return found
        return left.pop()

    for _, request in at_each_point(lambda: answered(settings, a_list(), "621", "800")):
        stem.run("request", **request)  # customs says it again until it is answered

    def let_in() -> None:
        receipts.store(answered(settings, a_list(), "621", "800")["data"].encode())

    at_each_point(let_in, "work")
    while left:
        let_in()
    stem.live()
    assert state.counted() == {"released": len(listed)}
    assert audit() == []
