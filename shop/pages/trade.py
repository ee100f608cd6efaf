"""The merchant's own listings and orders, as tables."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _

from catalog import listings as listings_service
from catalog import merchants, rights
from catalog.api.acting import task
from core import clock
from core.paging import PageArguments
from core.web import actor, requires
from shop import fulfilment
from shop import orders as orders_service
from shop.pages.forms import read_query, take

pages = Blueprint("trade_pages", __name__, url_prefix="/trade")


@pages.get("/listings")
@requires("merchant")
def listings() -> str:
    """Own listings of any state, newest first."""
    own = merchants.acting_for(actor().id)
    result = listings_service.managed_page(own, status=None, **read_query(PageArguments()))
    return render_template("trade/listings.html", result=result)


@pages.get("/orders")
@requires("merchant")
def orders() -> str:
    """Paid orders to the own merchant, newest first."""
    result = orders_service.page_of_merchant(actor().id, **read_query(PageArguments()))
    return render_template("trade/orders.html", result=result)


@pages.post("/orders/<uuid:order_id>/ship")
@requires("merchant")
@task(rights.ORDERS)
def ship(order_id: uuid.UUID) -> Any:
    """The parcel leaves now."""
    return _tell_step(fulfilment.ship, order_id, _("The parcel is on its way."))


@pages.post("/orders/<uuid:order_id>/deliver")
@requires("merchant")
@task(rights.ORDERS)
def deliver(order_id: uuid.UUID) -> Any:
    """The parcel has arrived now."""
    return _tell_step(fulfilment.deliver, order_id, _("The parcel has arrived."))


def _tell_step(step: Any, order_id: uuid.UUID, done: str) -> Any:
    return take(lambda: step(actor(), order_id, clock.now()), done, url_for("trade_pages.orders"))
