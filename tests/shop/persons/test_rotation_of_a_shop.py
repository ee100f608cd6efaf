"""A whole shop sealed anew: what was filed, who bought and merchants' secrets open without the former key."""

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from core import config
from customs import key_rotation, persons, sealing
from customs.models import Declaration
from shop.notification_models import WebhookEndpoint
from shop.notifications import endpoints
from tests.shop import builders, paying, state
from tests.shop.builders import Shelf


def test_everything_of_a_shop_opens_without_the_former_key(
    shelf: Shelf, place: Any, stripe: Any, run_jobs: Any, settings: Any
) -> None:
    buyer = builders.buyer()
    sold = paying.sell(place, stripe, buyer, (builders.put_listing(shelf), "1"))
    run_jobs("shop.file")
    made = endpoints.create(shelf.owner.id, shelf.merchant_id, "http://127.0.0.1:9/x", ["order_paid"])
    former = config.current().identity_key
    config.use(replace(settings, identity_key=b"n" * 32, identity_keys_old=(former,)))
    try:
        moved = {each.column for each in key_rotation.rotate("test", lambda _what, _done: None)}
        config.use(replace(settings, identity_key=b"n" * 32))
        assert {"declaration.private", "person.id_number_sealed", "webhook_endpoint.secret"} <= moved
        declared = state.fresh().scalars(select(Declaration).where(Declaration.order_number == sold["number"])).one()
        private = json.loads(sealing.unseal(declared.private or b""))
        assert private["buyer_name"] == "王芳"
        secret = state.fresh().scalars(select(WebhookEndpoint.secret)).one()
        assert sealing.unseal(secret).decode() == made["secret"]
        known = persons.identity_of(buyer.id)
        assert known is not None
        assert known.name == "王芳"
    finally:
        config.use(settings)
