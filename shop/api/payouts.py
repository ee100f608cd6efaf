"""Payouts to merchants and their statements; for operators the books and what they wait for."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from catalog import merchants, rights
from catalog.api.acting import task
from core.errors import invalid
from core.money import fen_text
from core.web import API_PREFIX, Blueprint, actor, requires
from shop import books as books_service
from shop import incidents, payout_accounts, payout_views, payouts, statement_files, statements
from shop.api import payout_schemas as schemas
from shop.api.answers import ready
from shop.statements import Statement

blueprint = Blueprint("payouts", __name__, url_prefix=f"{API_PREFIX}/shop", description="Payouts and the books")

MEDIA = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


def _whose(named: uuid.UUID | None) -> uuid.UUID | None:
    """The merchant that is read: the own one; for an operator the one named, or None for all."""
    if actor().has("operator"):
        return named
    own = merchants.acting_for(actor().id)
    if named not in (None, own):
        raise invalid("merchant", "is for operators")
    return own


def _one(named: uuid.UUID | None) -> uuid.UUID:
    found = _whose(named)
    if found is None:
        raise invalid("merchant", "say whose")
    return found


@blueprint.route("/payouts")
@requires("merchant", "operator")
@blueprint.arguments(schemas.PayoutQuery, location="query")
@blueprint.response(200, schemas.PayoutPage)
def list_payouts(query: dict[str, Any]) -> Response:
    """Own payouts, newest first; an operator sees all."""
    return ready(payout_views.page_of(_whose(query["merchant"]), query["limit"], query["cursor"]))


@blueprint.route("/payouts/<uuid:payout_id>")
@requires("merchant", "operator")
@blueprint.response(200, schemas.PayoutDetail)
def read_payout(payout_id: uuid.UUID) -> Response:
    """A payout with the orders it was made of."""
    return ready(payout_views.one(_whose(None), payout_id))


@blueprint.route("/payouts/balance")
@requires("merchant", "operator")
@blueprint.arguments(schemas.OfMerchant, location="query")
@blueprint.response(200, schemas.PayoutBalance)
def read_payout_balance(query: dict[str, Any]) -> Response:
    """What is owed to a merchant, what of it can be paid now, and what waits or is held."""
    return ready(payout_views.standing(_one(query["merchant"])))


@blueprint.route("/payouts/account")
@requires("merchant", "operator")
@blueprint.arguments(schemas.OfMerchant, location="query")
@blueprint.response(200, schemas.PayoutAccountState)
def read_payout_account(query: dict[str, Any]) -> Response:
    """The account a merchant is paid to."""
    return ready(payout_accounts.told(_one(query["merchant"])))


@blueprint.route("/payouts/account", methods=["POST"])
@requires("merchant")
@task(rights.MEMBERS)
@blueprint.response(200, schemas.PayoutAccountState)
def open_payout_account() -> Response:
    """Open the account for payouts at Stripe, or ask anew what it may do; a named account is taken as it is."""
    return ready(payout_accounts.open_for(merchants.acting_for(actor().id), str(actor().id)))


@blueprint.route("/payouts/runs", methods=["POST"])
@requires("operator")
@blueprint.response(200, schemas.PayoutRun)
def run_payouts() -> Response:
    """Promise every merchant what is due now instead of tonight; nothing is promised twice."""
    return ready(payouts.run())


@blueprint.route("/payouts/statements")
@requires("merchant", "operator")
@blueprint.arguments(schemas.OfMerchant, location="query")
@blueprint.response(200, schemas.StatementMonths)
def list_statements(query: dict[str, Any]) -> Response:
    """The months with a statement, newest first."""
    return ready({"months": statements.months(_one(query["merchant"]))})


@blueprint.route("/payouts/statements/<month>")
@requires("merchant", "operator")
@blueprint.arguments(schemas.StatementQuery, location="query")
@blueprint.response(200, schemas.MerchantStatement)
def read_statement(query: dict[str, Any], month: str) -> Response:
    """The statement of a merchant for a Beijing month, as JSON, CSV or PDF; of a month that is over always the same."""
    found = statements.of(_one(query["merchant"]), month)
    if query["format"] == "json":
        return ready(_told(found))
    return as_file(found, query["format"], query["language"])


def as_file(found: Statement, kind: str, language: str) -> Response:
    """A statement to be kept."""
    body = b"".join(statement_files.WRITERS[kind](found, language))
    name = f"landfall-statement-{found.month}.{kind}"
    return Response(body, mimetype=MEDIA[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _told(found: Statement) -> dict[str, Any]:
    names = {
        "goods": "goods",
        "refunds": "refunds",
        "recovered": "recovered",
        "taken": "fee",
        "amount": "amount",
    }
    return {
        "merchant": {"id": str(found.merchant_id), "name": found.merchant_name},
        "month": found.month,
        "final": found.final,
        "opening": found.opening,
        "orders": [
            {
                "day": row.day.isoformat(),
                "number": row.number,
                **{told: fen_text(getattr(row, name)) for name, told in names.items()},
            }
            for row in found.orders
        ],
        "payouts": [
            {"day": row.day.isoformat(), "payout": row.payout, "kind": row.kind, "amount": fen_text(row.amount)}
            for row in found.payouts
        ],
        "closing": found.closing,
    }


@blueprint.route("/books")
@requires("operator")
@blueprint.response(200, schemas.Books)
def read_books() -> Response:
    """The last check of the books: sums by account, and what did not agree."""
    return ready({"last": books_service.last_check()})


@blueprint.route("/books/checks", methods=["POST"])
@requires("operator")
@blueprint.response(202)
def check_books() -> dict[str, Any]:
    """Check the books now; the answer is there when the job is done."""
    books_service.ask_for_check(str(actor().id))
    return {"status": "queued"}


@blueprint.route("/incidents/<int:incident_id>/close", methods=["POST"])
@requires("operator")
@blueprint.arguments(schemas.Remedy)
@blueprint.response(200)
def close_incident(body: dict[str, Any], incident_id: int) -> Response:
    """Say what was done about an incident; payouts it held up go on."""
    return ready(incidents.close(str(actor().id), min(incident_id, 2**63 - 1), body["remedy"]))
