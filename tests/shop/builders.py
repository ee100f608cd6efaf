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
from shop.stripe_objects import Charge, Dispute, Intent, Refund
from tests.shop.fake_connect import FakeConnect

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


class FakeStripe(FakeConnect):
    """Stripe's promises in process: idempotency keys, refunds within the charge, states. `down` makes it unreachable."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.intents: dict[str, Intent] = {}
        self.refunds: dict[str, Refund] = {}
        self.by_key: dict[str, Any] = {}
        self.calls: list[str] = []
        self.held: set[str] = set()  # intents whose money a card only holds
        self.disputes: dict[str, Dispute] = {}
        self.down = False
        self.refund_status = "succeeded"

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise GatewayUnavailable("away", Exchange("POST /", "", None))

    def create_intent(
        self,
        amount_fen: int,
        currency: str,
        idempotency_key: str,
        metadata: Any,
        description: str,
        method_types: Any,
        *,
        hold: bool = False,
    ) -> Intent:
        with self.lock:
            self._enter("create_intent")
            if idempotency_key not in self.by_key:
                name = f"pi_{uuid.uuid4().hex}"
                if hold:
                    self.held.add(name)
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

    def capture(self, intent_id: str, amount_fen: int, idempotency_key: str) -> Intent:
        with self.lock:
            self._enter("capture")
            intent = self.intents[intent_id]
            if idempotency_key in self.by_key:
                return intent
            if intent.status != "requires_capture" or amount_fen > intent.capturable_fen or not intent.charge:
                exchange = Exchange("POST /capture", "{}", 400)
                raise GatewayRefused("payment_intent_unexpected_state", intent.status, exchange)
            charge = replace(intent.charge, captured=True, captured_fen=amount_fen)
            taken = {"status": "succeeded", "received_fen": amount_fen, "capturable_fen": 0, "charge": charge}
            self.by_key[idempotency_key] = self.intents[intent_id] = replace(intent, **taken)
            return self.intents[intent_id]

    def list_intents(self, created_after: int) -> list[Intent]:
        with self.lock:
            self._enter("list_intents")
            return [each for each in self.intents.values() if not each.created or each.created >= created_after]

    def list_refunds_since(self, created_after: int) -> list[Refund]:
        with self.lock:
            self._enter("list_refunds_since")
            return list(self.refunds.values())

    def list_charge_refunds(self, charge_id: str) -> list[Refund]:
        with self.lock:
            self._enter("list_charge_refunds")
            return [each for each in self.refunds.values() if each.charge_id == charge_id]

    def list_disputes(self, created_after: int) -> list[Dispute]:
        with self.lock:
            self._enter("list_disputes")
            return list(self.disputes.values())

    def retrieve_dispute(self, dispute_id: str) -> Dispute:
        with self.lock:
            self._enter("retrieve_dispute")
            return self.disputes[dispute_id]

    def dispute(self, intent_id: str, amount_fen: int | None = None, status: str = "needs_response") -> str:
        """The buyer's bank asks money back, by default all that is left; it leaves the balance but for an inquiry."""
        intent, name = self.intents[intent_id], f"du_{uuid.uuid4().hex}"
        gone = sum(each.amount_fen for each in self.refunds.values() if each.intent_id == intent_id)
        amount = intent.received_fen - gone if amount_fen is None else amount_fen
        self.disputes[name] = Dispute(
            Exchange("GET /v1/disputes", "{}", 200),
            id=name,
            amount_fen=amount,
            currency=intent.currency,
            status=status,
            reason="fraudulent",
            created=0,
            withdrawn_fen=0 if status.startswith("warning") else amount,
            evidence_due=None,
            intent_id=intent_id,
            charge_id="ch_1",
        )
        return name

    def decide(self, dispute_id: str, status: str) -> None:
        """The bank's word: `won` brings the money back."""
        found = self.disputes[dispute_id]
        withdrawn = 0 if status in ("won", "warning_closed") else found.amount_fen
        self.disputes[dispute_id] = replace(found, status=status, withdrawn_fen=withdrawn)

    def refund_elsewhere(self, intent_id: str, amount_fen: int, status: str = "succeeded") -> str:
        """Somebody pays back at the dashboard: a refund without a word of ours."""
        name = f"re_{uuid.uuid4().hex}"
        facts = {"amount_fen": amount_fen, "currency": "cny", "status": status, "created": 0, "metadata": {}}
        facts |= {"intent_id": intent_id, "charge_id": "ch_1", "failure_reason": None}
        self.refunds[name] = Refund(Exchange("GET /v1/refunds", "{}", 200), id=name, **facts)  # type: ignore[arg-type]
        return name

    def refund(self, intent_id: str, amount_fen: int, idempotency_key: str, metadata: Any) -> Refund:
        with self.lock:
            self._enter("refund")
            undecided = ("needs_response", "under_review", "lost")
            if any(each.intent_id == intent_id and each.status in undecided for each in self.disputes.values()):
                raise GatewayRefused("charge_disputed", "disputed", Exchange("POST /refunds", "{}", 400))
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
            facts: dict[str, Any] = {"status": "succeeded", "received_fen": intent.amount_fen}
            if intent_id in self.held:
                charge = replace(charge, captured=False, captured_fen=0)
                facts = {"status": "requires_capture", "capturable_fen": intent.amount_fen}
            facts |= {"charge": charge, "latest_charge": "ch_1"}
            self.intents[intent_id] = replace(intent, **{**facts, **changed})

    def mark(self, intent_id: str, fingerprint: str | None) -> None:
        """By which card or wallet an intent was paid."""
        intent = self.intents[intent_id]
        if intent.charge is not None:
            charge = replace(intent.charge, payer_mark=fingerprint)
            self.intents[intent_id] = replace(intent, charge=charge)

    def refunded(self) -> int:
        return sum(refund.amount_fen for refund in self.refunds.values())


def days_ago(days: int) -> date:
    return clock.today() - timedelta(days=days)
