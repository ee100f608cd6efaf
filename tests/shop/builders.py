"""What the shop's tests stand on: a merchant with listings and stock, buyers, and a Stripe that answers in process."""

from __future__ import annotations

import itertools
import threading
import uuid
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from catalog.models import Listing, Lot, Merchant, MerchantMember, StockMovement
from core import accounts, clock
from core.accounts import Actor
from core.database import new_id, transaction
from customs import persons
from customs.models import Warehouse
from shop import addresses
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable
from shop.stripe_http import Exchange
from shop.stripe_objects import Charge, Intent, Refund

PASSWORD = "a password of the tests"
HOME = {
    "recipient": "王芳",
    "phone": "13900000000",
    "province": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "district_code": "330106",
    "street": "文三路1号",
    "postcode": "310012",
}
_serial = itertools.count(1)


def open_account(*roles: str, name: str = "Tester") -> Actor:
    return accounts.register(f"t{next(_serial)}-{uuid.uuid4().hex[:8]}@landfall.example", PASSWORD, name, roles)


def identity_number(serial: int) -> str:
    """A resident identity number with the right check character (GB 11643)."""
    from stdnum.cn import ric

    body = f"11010119900101{serial % 1000:03d}"
    return body + ric.calc_check_digit(body + "0")


def buyer(*, name: str = "王芳", serial: int | None = None, with_identity: bool = True) -> Actor:
    """A consumer with an address and, unless told otherwise, an identity of its own."""
    actor = open_account("consumer", name=name)
    addresses.add(actor.id, dict(HOME))
    if with_identity:
        persons.set_identity(actor.id, name, identity_number(serial or next(_serial)), "13900000000")
    return actor


def token_of(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {accounts.issue_token(actor)[0]}"}


@dataclass
class Shelf:
    """A merchant with a bonded warehouse and a general store."""

    merchant_id: uuid.UUID
    owner: Actor
    bonded: uuid.UUID
    store: uuid.UUID
    listings: list[uuid.UUID] = field(default_factory=list)


def open_shelf() -> Shelf:
    owner = open_account("merchant", name="Owner")
    merchant_id, bonded, store = new_id(), new_id(), new_id()
    tag = uuid.uuid4().hex[:8]
    place = {"zone": "Hangzhou", "customs_code": "2991", "port_code": "2991", "traf_mode": "7"}
    with transaction() as session:
        session.add(
            Merchant(
                id=merchant_id,
                registered_name=f"Import {tag}",
                uscc=uuid.uuid4().hex[:18].upper(),
                customs_code="330166K00A",
                contact={"name": "a", "phone": "1", "email": "a@landfall.example"},
                status="approved",
                submitted_by=owner.id,
                decided_at=clock.now(),
            )
        )
        session.flush()
        session.add(MerchantMember(user_id=owner.id, merchant_id=merchant_id))
        facts = {"ems_no": "T2991W000001", "area_code": "330166K00B", "area_name": "Zone"}
        session.add(Warehouse(id=bonded, name=f"bonded {tag}", kind="bonded", mode="1210", **place, **facts))
        session.add(Warehouse(id=store, name=f"store {tag}", kind="general", mode="0110", **place))
    return Shelf(merchant_id, owner, bonded, store)


def put_listing(
    shelf: Shelf,
    *,
    price_fen: int = 10000,
    stock: str | Decimal = "100",
    route: str = "cross_border_retail",
    unit: str = "piece",
    hs: str = "0306149010",
    origin: str = "AU",
    warehouse: uuid.UUID | None = None,
    **more: Any,
) -> uuid.UUID:
    """A published listing with one lot."""
    listing_id = new_id()
    retail = route == "cross_border_retail"
    facts: dict[str, Any] = {
        "title_zh": "冷冻蟹",
        "title_en": "Frozen crab",
        "category": "aquatic",
        "department": "aquatic",
        "hs": hs,
        "origin": origin,
        "net_weight_kg": Decimal("1"),
        "gross_weight_kg": Decimal("1.2"),
        "brand": "Tide",
        "specification": "1 kg",
        "declaration_elements": [["品名", "冷冻蟹"], ["品牌类型", "境外品牌"]],
        "statutory": {"unit1_quantity": "1"},
        "gtin": "无",
        "image": "/x.svg",
        "card": "{}",
        "detail": "{}",
    }
    with transaction() as session:
        session.add(
            Listing(
                id=listing_id,
                merchant_id=shelf.merchant_id,
                sku=f"SKU{next(_serial)}",
                route=route,
                mode="1210" if retail else None,
                unit=unit,
                price_fen=price_fen,
                status="published",
                published_at=clock.now(),
                **{**facts, **more},
            )
        )
        session.flush()
        add_lot(session, listing_id, warehouse or (shelf.bonded if retail else shelf.store), Decimal(stock))
    shelf.listings.append(listing_id)
    return listing_id


def add_lot(session: Any, listing_id: uuid.UUID, warehouse_id: uuid.UUID, quantity: Decimal) -> uuid.UUID:
    lot = Lot(
        id=new_id(),
        listing_id=listing_id,
        batch_no=f"B{next(_serial)}",
        produced_on=clock.today() - timedelta(days=30),
        expires_on=clock.today() + timedelta(days=300),
        warehouse_id=warehouse_id,
        item_record_no="1",
        on_hand=quantity,
    )
    session.add(lot)
    session.flush()
    if quantity:
        movement = {"kind": "receipt", "quantity": quantity, "reference": "opening"}
        session.add(StockMovement(lot_id=lot.id, **movement))
    return lot.id


class FakeStripe:
    """Stripe's promises in process: idempotency keys, refunds within the charge, states. `down` makes it unreachable."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.intents: dict[str, Intent] = {}
        self.refunds: dict[str, Refund] = {}
        self.by_key: dict[str, Any] = {}
        self.calls: list[str] = []
        self.down = False
        self.refund_status = "succeeded"

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise GatewayUnavailable("away", Exchange("POST /", "", None))

    def create_intent(
        self, amount_fen: int, currency: str, idempotency_key: str, metadata: Any, description: str, method_types: Any
    ) -> Intent:
        with self.lock:
            self._enter("create_intent")
            if idempotency_key not in self.by_key:
                name = f"pi_{uuid.uuid4().hex}"
                self.by_key[idempotency_key] = self.intents[name] = Intent(
                    Exchange("POST /v1/payment_intents", "{}", 200),
                    id=name,
                    client_secret=f"{name}_secret",
                    amount_fen=amount_fen,
                    received_fen=0,
                    capturable_fen=0,
                    currency=currency,
                    status="requires_payment_method",
                    created=0,
                    metadata=dict(metadata),
                    latest_charge=None,
                    charge=None,
                    failure_code=None,
                )
            return self.by_key[idempotency_key]

    def retrieve_intent(self, intent_id: str) -> Intent:
        with self.lock:
            self._enter("retrieve_intent")
            return self.intents[intent_id]

    def cancel_intent(self, intent_id: str, idempotency_key: str, reason: str = "abandoned") -> Intent:
        with self.lock:
            self._enter("cancel_intent")
            intent = self.intents[intent_id]
            if intent.status in ("succeeded", "processing", "canceled"):
                exchange = Exchange("POST /cancel", "{}", 400)
                raise GatewayRefused("payment_intent_unexpected_state", intent.status, exchange)
            self.intents[intent_id] = replace(intent, status="canceled")
            return self.intents[intent_id]

    def refund(self, intent_id: str, amount_fen: int, idempotency_key: str, metadata: Any) -> Refund:
        with self.lock:
            self._enter("refund")
            if idempotency_key in self.by_key:
                return self.by_key[idempotency_key]
            intent = self.intents[intent_id]
            done = sum(each.amount_fen for each in self.refunds.values() if each.intent_id == intent_id)
            if intent.status != "succeeded" or done + amount_fen > intent.received_fen:
                raise GatewayRefused("charge_already_refunded", "too much", Exchange("POST /refunds", "{}", 400))
            made = Refund(
                Exchange("POST /v1/refunds", "{}", 200),
                id=f"re_{uuid.uuid4().hex}",
                amount_fen=amount_fen,
                currency=intent.currency,
                status=self.refund_status,
                created=0,
                metadata=dict(metadata),
                intent_id=intent_id,
                charge_id=None,
                failure_reason=None,
            )
            self.by_key[idempotency_key] = self.refunds[made.id] = made
            return made

    def retrieve_refund(self, refund_id: str) -> Refund:
        with self.lock:
            self._enter("retrieve_refund")
            return self.refunds[refund_id]

    def list_refunds(self, intent_id: str) -> list[Refund]:
        with self.lock:
            self._enter("list_refunds")
            return [each for each in self.refunds.values() if each.intent_id == intent_id]

    def pay(self, intent_id: str, *, payer: str | None = "王芳", **changed: Any) -> None:
        """The buyer confirms the intent; `changed` alters what Stripe then says."""
        with self.lock:
            intent = self.intents[intent_id]
            if intent.status != "requires_payment_method":
                raise AssertionError(f"an intent that is {intent.status} cannot be paid")
            charge = Charge(
                id="ch_1",
                amount_fen=intent.amount_fen,
                captured_fen=intent.amount_fen,
                refunded_fen=0,
                currency=intent.currency,
                status="succeeded",
                captured=True,
                disputed=False,
                created=0,
                method_type="card",
                transaction_id=None,
                payer_name=payer,
                failure_code=None,
            )
            facts = {
                "status": "succeeded",
                "received_fen": intent.amount_fen,
                "charge": charge,
                "latest_charge": "ch_1",
            }
            self.intents[intent_id] = replace(intent, **{**facts, **changed})

    def refunded(self) -> int:
        return sum(refund.amount_fen for refund in self.refunds.values())


def days_ago(days: int) -> date:
    return clock.today() - timedelta(days=days)
