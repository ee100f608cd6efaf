"""The demo consumer: a verified identity and an address."""

from __future__ import annotations

from sqlalchemy import func, select

from core.accounts import User
from core.database import db, end_read
from customs import persons
from shop import addresses
from shop.models import Address

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


def seed() -> str:
    """Give the demo consumer what a retail order needs; run again it changes nothing."""
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
