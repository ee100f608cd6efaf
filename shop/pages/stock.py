"""The merchant's lots: received, what lies where, what happened to it, which orders it serves, and its recall."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from catalog import listings, members, merchants, movements, recalls, receiving, rights
from catalog.api.acting import task
from catalog.api.schemas import Adjustment, NewLot
from catalog.api.stock_schemas import NewMovement, Recall, TemperatureReport
from core import clock
from core.errors import Problem
from core.paging import PageArguments
from core.schemas import Id, Quantity, Schema, WholeNumber
from core.web import actor, requires
from customs import warehouses
from shop import recall_views, weighing
from shop.pages.forms import read_form, read_query, take

pages = Blueprint("stock_pages", __name__, url_prefix="/trade")

SHOWN = 50


class _Weight(Schema):
    line = WholeNumber(1, 999, required=True)
    weight_kg = Quantity(required=True)
    lot_id = Id(load_default=None)


def _own() -> uuid.UUID:
    return merchants.acting_for(actor().id)


@pages.get("/lots")
@requires("merchant")
def lots() -> str:
    """Own lots, newest first."""
    return render_template("trade/lots.html", result=recalls.own_page(_own(), **read_query(PageArguments())))


@pages.get("/listings/<uuid:listing_id>/lots/new")
@requires("merchant")
def new_lot(listing_id: uuid.UUID) -> str:
    """The form to receive a lot of an own listing."""
    return _receive(listing_id, None)


@pages.post("/listings/<uuid:listing_id>/lots")
@requires("merchant")
@task(rights.STOCK)
def receive(listing_id: uuid.UUID) -> Any:
    """Receive a lot into a warehouse."""
    try:
        own = merchants.acting_for(actor().id, selling=True)
        values = read_form(NewLot(exclude=("listing_id",)))
        made = receiving.create(str(actor().id), own, {**values, "listing_id": listing_id})
    except Problem as problem:
        if problem.status == 404:
            raise
        return _receive(listing_id, problem), problem.status
    flash(_("The lot is in stock."), "success")
    return redirect(url_for("stock_pages.lot", lot_id=made["id"]), 303)


def _receive(listing_id: uuid.UUID, problem: Problem | None) -> str:
    listing = listings.managed(_own(), listing_id)
    mode = listing["mode"] or "0110"
    places = [place for place in warehouses.listing() if place["mode"] == mode]
    values = request.form if problem else {}
    return render_template("trade/receive.html", listing=listing, places=places, values=values, problem=problem)


@pages.get("/lots/<uuid:lot_id>")
@requires("merchant")
def lot(lot_id: uuid.UUID) -> str:
    """One own lot with its movements and its orders."""
    query, own = read_query(PageArguments()), _own()
    return render_template(
        "trade/lot.html",
        lot=recalls.one(own, lot_id),
        movements=movements.page(own, lot_id, SHOWN, None)["items"],
        orders=recall_views.orders_of_lot(own, lot_id, SHOWN, query["cursor"]),
        may=rights.MAY[members.role_of(actor().id) or "viewer"],
    )


@pages.post("/lots/<uuid:lot_id>/recall")
@requires("merchant")
@task(rights.RECALL)
def recall(lot_id: uuid.UUID) -> Any:
    """Recall the lot."""
    return _do(lot_id, lambda who, own: recalls.recall(who, own, lot_id, read_form(Recall())["reason"]))


@pages.post("/lots/<uuid:lot_id>/temperature")
@requires("merchant")
@task(rights.STOCK)
def temperature(lot_id: uuid.UUID) -> Any:
    """Report that the cold chain is broken now."""

    def report(who: str, own: uuid.UUID) -> object:
        told = read_form(TemperatureReport(exclude=("at",)))
        return recalls.report_temperature(who, own, lot_id, {**told, "at": clock.now()})

    return _do(lot_id, report)


@pages.post("/lots/<uuid:lot_id>/block")
@requires("merchant")
@task(rights.STOCK)
def block(lot_id: uuid.UUID) -> Any:
    """Stop the sale of the lot for now."""
    return _do(lot_id, lambda who, own: receiving.block(who, own, lot_id, read_form(Recall())["reason"]))


@pages.post("/lots/<uuid:lot_id>/unblock")
@requires("merchant")
@task(rights.STOCK)
def unblock(lot_id: uuid.UUID) -> Any:
    """Sell the lot again."""
    return _do(lot_id, lambda who, own: receiving.block(who, own, lot_id, None))


@pages.post("/lots/<uuid:lot_id>/count")
@requires("merchant")
@task(rights.STOCK)
def count(lot_id: uuid.UUID) -> Any:
    """Set what is on hand to what was counted."""
    return _do(lot_id, lambda who, own: receiving.adjust(who, own, lot_id, **read_form(Adjustment())))


@pages.post("/lots/<uuid:lot_id>/movements")
@requires("merchant")
@task(rights.STOCK)
def move(lot_id: uuid.UUID) -> Any:
    """Bring goods in again, or take them out for good."""
    return _do(lot_id, lambda who, own: movements.write(who, own, lot_id, read_form(NewMovement())))


def _do(lot_id: uuid.UUID, deed: Callable[[str, uuid.UUID], object]) -> Any:
    return take(lambda: deed(str(actor().id), _own()), _("It is done."), url_for("stock_pages.lot", lot_id=lot_id))


@pages.post("/orders/<uuid:order_id>/weigh")
@requires("merchant")
@task(rights.STOCK)
def weigh(order_id: uuid.UUID) -> Any:
    """Set the real weight of what was picked of one lot for a line."""
    return take(
        lambda: weighing.weigh(actor(), order_id, [read_form(_Weight())]),
        _("The weight is kept."),
        url_for("trade_pages.orders"),
    )
