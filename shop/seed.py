"""The demo consumer, with a verified identity and an address, and the demo company, which has asked for an offer."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select

from catalog.models import Listing
from catalog.seed import identifier
from core import clock
from core.accounts import User
from core.database import db, end_read
from customs import persons
from shop import addresses, companies, rfqs
from shop.models import Address
from shop.trade_models import Rfq

CONSUMER = "consumer@landfall.example"
# A number of the test range: its check character is right and it belongs to nobody.
IDENTITY = {"name": "林晓", "id_number": "310104199003070325", "phone": "13800138000"}
HOME = {
    "recipient": "林晓",
    "phone": "13800138000",
    "province": "上海市",
    "city": "上海市",
    "district": "浦东新区",
    "district_code": "310115",
    "street": "世纪大道100号",
    "postcode": "200120",
}
COMPANY = "company@landfall.example"
# Invented, its check character right.
ENTERPRISE = {"registered_name": "上海明川冶金有限公司", "uscc": "91310115MA1K4LQX7E"}
YARD = {
    **HOME,
    "recipient": "周明",
    "district": "宝山区",
    "district_code": "310113",
    "street": "罗泾港路8号",
    "postcode": "200949",
}
ORE = identifier(str(identifier("merchant4@landfall.example")), "AU-IRONORE-62")
WISH = {
    "quantity": Decimal(900),
    "unit": "t",
    "destination": "上海罗泾港",
    "text": "请报干吨价，附装货港检验证书。",
    "specification": [{"question": "grade", "answer": "Fe ≥ 62%"}, {"question": "moisture_most", "answer": "8%"}],
}


def seed() -> str:
    """Give the demo accounts what an order needs; run again it changes nothing."""
    return f"{_consumer()}; {_company()}"


def _consumer() -> str:
    account_id = db.session.scalar(select(User.id).where(User.email == CONSUMER))
    if account_id is None:
        return "no demo consumer"
    known = persons.identity_of(account_id) is not None
    housed = db.session.scalar(select(func.count()).where(Address.account_id == account_id))
    end_read()
    if not known:
        persons.set_identity(account_id, **IDENTITY)
    if not housed:
        addresses.add(account_id, dict(HOME))
    return "the demo consumer has an identity and an address"


def _company() -> str:
    account_id = db.session.scalar(select(User.id).where(User.email == COMPANY))
    if account_id is None:
        return "no demo company"
    housed = db.session.scalar(select(func.count()).where(Address.account_id == account_id))
    end_read()
    if not housed:
        addresses.add(account_id, dict(YARD))
    told = companies.put(account_id, **ENTERPRISE)
    if told["status"] == "submitted":
        companies.decide("seed", uuid.UUID(told["id"]), "verify", "demonstration", told["version"])
    return f"the demo company is verified, {_request(account_id)}"


def _request(account_id: uuid.UUID) -> str:
    """One open request for iron ore, once; nothing where the demo catalogue has no ore."""
    attempt = identifier("rfq", COMPANY)
    known = db.session.scalar(select(Rfq.id).where(Rfq.attempt_id == attempt))
    on_sale = db.session.scalar(select(Listing.id).where(Listing.id == ORE, Listing.shown))
    end_read()
    if known is None and on_sale is not None:
        rfqs.request(account_id, attempt, {**WISH, "listing_id": ORE, "needed_by": clock.today() + timedelta(days=90)})
    return "its request is there" if known or on_sale else "it has nothing to ask for"
