"""The cart of the signed-in person."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.web import API_PREFIX, Blueprint, actor, requires
from shop import carts
from shop.api import schemas
from shop.api.answers import nothing, ready

blueprint = Blueprint("cart", __name__, url_prefix=f"{API_PREFIX}/shop/cart", description="The cart")


@blueprint.route("")
@requires()
@blueprint.response(200, schemas.Cart)
def read_cart() -> Response:
    """What lies in the cart, with what each listing is now."""
    return ready(carts.content(actor().id))


@blueprint.route("", methods=["PUT"])
@requires()
@blueprint.arguments(schemas.NewCart)
@blueprint.response(200, schemas.Cart)
def replace_cart(body: dict[str, Any]) -> Response:
    """Make the cart hold exactly these items; a listing named twice counts once, with the sum."""
    items: dict[uuid.UUID, Any] = {}
    for item in body["items"]:
        items[item["listing_id"]] = items.get(item["listing_id"], 0) + item["quantity"]
    carts.replace(actor().id, items)
    return ready(carts.content(actor().id))


@blueprint.route("/items/<uuid:listing_id>", methods=["PUT"])
@requires()
@blueprint.arguments(schemas.ItemQuantity)
@blueprint.response(200, schemas.Cart)
def put_cart_item(body: dict[str, Any], listing_id: uuid.UUID) -> Response:
    """Set how much of a listing lies in the cart."""
    carts.put(actor().id, listing_id, body["quantity"])
    return ready(carts.content(actor().id))


@blueprint.route("/items/<uuid:listing_id>", methods=["DELETE"])
@requires()
@blueprint.response(204)
def delete_cart_item(listing_id: uuid.UUID) -> Response:
    """Take a listing out of the cart."""
    carts.remove(actor().id, listing_id)
    return nothing()
