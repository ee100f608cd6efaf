"""Bonded stock: entries into a zone, the account book, ways out other than a sale, returned goods.

A merchant sees and asks for its own; numbers of papers, arrivals and completed exits are told by the customs desk.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.accounts import FORBIDDEN
from core.errors import Problem, invalid
from core.idempotency import idempotent
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api import zone_schemas as schemas
from customs.api.answers import after_id, id_page, ready
from customs.reports import access
from customs.zone_stock import differences, entries, entry_views, exit_views, exits, returned
from customs.zone_stock.moves import Told

blueprint = Blueprint("zone_stock", __name__, url_prefix=f"{API_PREFIX}/customs", description="Bonded stock")

ENTRY_LOG_MOST = 100


@blueprint.route("/zone-entries")
@requires("customs", "operator", "merchant")
@blueprint.arguments(schemas.EntryFilter, location="query")
@blueprint.response(200, schemas.ZoneEntries)
def list_zone_entries(query: dict[str, Any]) -> Response:
    """Entries into bonded zones, newest first; a merchant sees its own."""
    rows = entry_views.listing(owner(), query["status"], after_id(query["cursor"]), query["limit"] + 1)
    return ready(id_page(rows, query["limit"]))


@blueprint.route("/zone-entries", methods=["POST"])
@requires("customs", "merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.NewZoneEntry)
@blueprint.response(201, schemas.ZoneEntryDetail)
def create_zone_entry(body: dict[str, Any]) -> Response:
    """Draft an entry of bonded goods; the desk says for which merchant."""
    made = entries.create(str(actor().id), merchant_of(body["merchant_id"]), body)
    return ready(made, 201, location=f"{API_PREFIX}/customs/zone-entries/{made['id']}")


@blueprint.route("/zone-entries/<uuid:entry_id>")
@requires("customs", "operator", "merchant")
@blueprint.response(200, schemas.ZoneEntryDetail)
def read_zone_entry(entry_id: uuid.UUID) -> Response:
    """One entry with its lines and the steps taken."""
    return ready(entry_views.one(entry_id, owner()))


@blueprint.route("/zone-entries/<uuid:entry_id>/steps", methods=["POST"])
@requires("customs", "merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.EntryStep)
@blueprint.response(200, schemas.ZoneEntryDetail)
def take_zone_entry_step(body: dict[str, Any], entry_id: uuid.UUID) -> Response:
    """Submit, record (entry record list), check (account-book check list), release (release form), arrive, cancel."""
    who = (str(actor().id), role(), entry_id, body["step"], told(body))
    return ready(entries.take(*who, owner=owner(), arrived=body["arrived"]))


@blueprint.route("/account-book")
@requires("customs", "operator", "merchant")
@blueprint.arguments(schemas.BookFilter, location="query")
@blueprint.response(200, schemas.BookItems)
def list_account_book(query: dict[str, Any]) -> Response:
    """Items of the account books with their balances."""
    rows = differences.listing(owner(), query["warehouse"], after_id(query["cursor"]), query["limit"] + 1)
    return ready(id_page(rows, query["limit"]))


@blueprint.route("/account-book/<uuid:item_id>")
@requires("customs", "operator", "merchant")
@blueprint.response(200, schemas.BookItemDetail)
def read_account_book_item(item_id: uuid.UUID) -> Response:
    """One item with its newest entries."""
    return ready(differences.one(item_id, owner(), ENTRY_LOG_MOST))


@blueprint.route("/account-book/differences")
@requires("customs", "operator", "merchant")
@blueprint.response(200, schemas.BookDifferences)
def list_account_book_differences() -> Response:
    """The account books against the stock in the zones: what does not agree."""
    return ready({"items": differences.report(owner())})


@blueprint.route("/zone-exits")
@requires("customs", "operator", "merchant")
@blueprint.arguments(schemas.ExitFilter, location="query")
@blueprint.response(200, schemas.ZoneExits)
def list_zone_exits(query: dict[str, Any]) -> Response:
    """Exits other than sales, newest first; a merchant sees its own."""
    rows = exit_views.listing(owner(), query["status"], after_id(query["cursor"]), query["limit"] + 1)
    return ready(id_page(rows, query["limit"]))


@blueprint.route("/zone-exits", methods=["POST"])
@requires("customs", "merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.NewZoneExit)
@blueprint.response(201, schemas.ZoneExitDetail)
def request_zone_exit(body: dict[str, Any]) -> Response:
    """Ask to take goods out: to general trade, back abroad, to another zone, to be destroyed, as expired."""
    made = exits.request(str(actor().id), owner(), body)
    return ready(made, 201, location=f"{API_PREFIX}/customs/zone-exits/{made['id']}")


@blueprint.route("/zone-exits/<uuid:exit_id>")
@requires("customs", "operator", "merchant")
@blueprint.response(200, schemas.ZoneExitDetail)
def read_zone_exit(exit_id: uuid.UUID) -> Response:
    """One exit with its steps, its duty and where it went."""
    return ready(exit_views.one(exit_id, owner()))


@blueprint.route("/zone-exits/<uuid:exit_id>/steps", methods=["POST"])
@requires("customs", "merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.ExitStep)
@blueprint.response(200, schemas.ZoneExitDetail)
def take_zone_exit_step(body: dict[str, Any], exit_id: uuid.UUID) -> Response:
    """Approve (under a paper's number), refuse, withdraw, complete."""
    return ready(exits.take(str(actor().id), role(), exit_id, body["step"], told(body), owner=owner()))


@blueprint.route("/zone-returns")
@requires("customs", "operator", "merchant")
@blueprint.arguments(schemas.ReturnFilter, location="query")
@blueprint.response(200, schemas.ZoneReturns)
def list_zone_returns(query: dict[str, Any]) -> Response:
    """Returned goods that customs takes back into a zone, newest first; a merchant sees its own."""
    rows = returned.listing(owner(), query["status"], after_id(query["cursor"]), query["limit"] + 1)
    return ready(id_page(rows, query["limit"]))


@blueprint.route("/zone-returns/<uuid:return_id>/check", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.arguments(schemas.ReturnCheck)
@blueprint.response(200, schemas.ZoneReturn)
def check_zone_return(body: dict[str, Any], return_id: uuid.UUID) -> Response:
    """What was found of returned goods: sound ones go back into stock, damaged ones are to be destroyed."""
    return ready(returned.check(str(actor().id), return_id, body))


def owner() -> uuid.UUID | None:
    """The merchant whose rows are shown; None for the desk and operators, who see all."""
    who = actor()
    if who.has("customs", "operator"):
        return None
    own = access.merchant_of(who.id)
    if own is None:
        raise Problem(FORBIDDEN, "this account acts for no merchant")
    return own


def role() -> str:
    """In which role the person takes a step."""
    return "customs" if actor().has("customs") else "merchant"


def merchant_of(named: uuid.UUID | None) -> uuid.UUID:
    """A merchant brings in its own goods; the desk says whose."""
    own = owner()
    if own is not None and named not in (None, own):
        raise Problem(FORBIDDEN, "a merchant brings in its own goods")
    found = own or named
    if found is None:
        raise invalid("merchant_id", "is required: whose goods they are")
    return found


def told(body: dict[str, Any]) -> Told:
    return Told(body["number"], body["day"], body["detail"])
