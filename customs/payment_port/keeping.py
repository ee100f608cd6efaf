"""A payment is declared before order and payment are filed: asked once under one number, the answer kept.

The question is counted and its next repetition set before it goes out, so a process that dies repeats the same request
id. A payer who is not the buyer stops the filing here, before customs hears of the order.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import cache

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import assert_no_transaction, transaction
from customs import filing_documents
from customs.filing_case import Case
from customs.payment_models import PaymentDeclaration
from customs.payment_port.antom import Antom
from customs.payment_port.own import OwnMessage
from customs.payment_port.port import (
    NOT_PASSED,
    Declared,
    Declarer,
    DeclarerUnavailable,
    PaymentOrder,
    PaymentRefused,
)
from customs.window.facts import PaymentService
from customs.window.messages import Violation

ATTEMPTS_MAX = 40
WAIT_SECONDS_MAX = 600
PAYER_DIFFERS = Violation("411/payerName", "the payment enterprise says that the payer is not the buyer")


class Waiting(Exception):
    """The enterprise has not answered yet; the question is repeated."""


class Stopped(Exception):
    """The payment cannot be declared as it is; `violation` says why."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.rule)
        self.violation = violation


@cache
def _declarer(service: PaymentService | None) -> Declarer:
    return OwnMessage() if service is None else {"antom": Antom}[service.adapter](service)


def declarer() -> Declarer:
    """Who declares payments, by the parties."""
    return _declarer(filing_documents.parties().payment_service)


def ours(case: Case) -> bool:
    """Whether the payment message is ours to send: told one way it is not told the other, though the parties changed.

    Asked of the case as it was read, before `declare`.
    """
    return case.payment is None and (case.paper("411").built or declarer().files_411)


def declare(case: Case) -> Case:
    """The case with the payment's number as customs will know it. Raises Waiting, Stopped."""
    who = declarer()
    if case.payment is not None or (case.paper("411").built and not who.files_411):
        return case
    if who.files_411:
        try:
            return replace(case, payment=_judged(who.declare(order_of(case, 0))))
        except PaymentRefused as refusal:
            raise Stopped(Violation("411", str(refusal))) from refusal
    claimed = _claim(case, who)
    assert_no_transaction()
    try:
        found = who.declare(order_of(case, claimed.round))
    except PaymentRefused as refusal:
        _keep(case.id, claimed.round, refusal=str(refusal))
        raise Stopped(Violation("411", str(refusal))) from refusal
    except DeclarerUnavailable as fault:
        _note(case.id, str(fault))
        if claimed.attempts >= ATTEMPTS_MAX:
            raise Stopped(Violation("411", f"the payment enterprise cannot be reached: {fault}")) from fault
        raise Waiting(str(fault)) from fault
    _keep(case.id, claimed.round, found)
    return replace(case, payment=_judged(found))


def order_of(case: Case, round_no: int) -> PaymentOrder:
    """What the enterprise is told. The request id is the payment document's own, with the number of the round."""
    asked, own = case.request, filing_documents.parties()
    return PaymentOrder(
        request_id=f"{case.paper('411').guid.replace('-', '')[:30]}{round_no:02d}",
        order_number=asked.order_number,
        payment_no=asked.payment_no,
        payment_id=asked.payment_id,
        amount_fen=asked.paid_fen,
        payment_fen=asked.payment_fen,
        buyer=case.buyer,
        payer_name=asked.payer_name,
        merchant=filing_documents.merchant_of(asked),
        platform=own.platform,
        office=case.warehouse.customs_code,
    )


def again(session: Session, declaration_id: uuid.UUID, *, anew: bool = False) -> None:
    """Before a failed filing is tried once more: what was refused is asked anew, what was not reached is repeated.

    `anew` asks even what was declared: the buyer has another name now, of which nobody has said that it is the payer's.
    """
    row = session.get(PaymentDeclaration, declaration_id, with_for_update=True, populate_existing=True)
    if row is None or (row.state == "declared" and not anew):
        return
    if anew or row.state == "refused":
        row.round = row.round % 99 + 1
    row.state, row.attempts, row.next_try_at, row.identity_check = "asked", 0, clock.now(), None
    row.transaction_id = row.ver_dept = row.verified_no = row.declared_at = None


def _judged(found: Declared) -> Declared:
    if found.identity_check == NOT_PASSED:
        raise Stopped(PAYER_DIFFERS)
    return found


def _claim(case: Case, who: Declarer) -> PaymentDeclaration:
    """The row with this attempt counted. Raises Waiting when it is not due, Stopped when it was refused before."""
    now = clock.now()
    fresh = {"round": 0, "attempts": 0, "state": "asked", "next_try_at": now, "asked_at": now}
    with transaction() as session:
        row_of = insert(PaymentDeclaration).values(declaration_id=case.id, declarer=who.name, **fresh)
        session.execute(row_of.on_conflict_do_nothing())
        row = session.get_one(PaymentDeclaration, case.id, with_for_update=True, populate_existing=True)
        if row.state == "refused":
            raise Stopped(
                PAYER_DIFFERS if row.identity_check == NOT_PASSED else Violation("411", row.fault or "refused")
            )
        if row.next_try_at > now:
            raise Waiting("asked already")
        row.attempts += 1
        row.next_try_at = now + timedelta(seconds=min(20 * 2 ** min(row.attempts - 1, 10), WAIT_SECONDS_MAX))
        session.flush()
        session.expunge(row)
        return row


def _keep(declaration_id: uuid.UUID, round_no: int, found: Declared | None = None, refusal: str | None = None) -> None:
    """Write the answer; of two workers that asked the same the first is kept, and both were told the same."""
    with transaction() as session:
        row = session.get_one(PaymentDeclaration, declaration_id, with_for_update=True, populate_existing=True)
        if row.state != "asked" or row.round != round_no:
            return
        if found is None or found.identity_check == NOT_PASSED:
            row.state, row.fault = "refused", (refusal or PAYER_DIFFERS.rule)[:300]
        else:
            row.state, row.fault, row.declared_at = "declared", None, clock.now()
            row.transaction_id, row.ver_dept, row.verified_no = found.transaction_id, found.ver_dept, found.verified_no
        row.identity_check = found.identity_check if found else None
        audit.record(session, row.declarer, f"payment_{row.state}", "declaration", declaration_id, round=round_no)


def _note(declaration_id: uuid.UUID, words: str) -> None:
    with transaction() as session:
        row = session.get_one(PaymentDeclaration, declaration_id, with_for_update=True, populate_existing=True)
        if row.state == "asked":
            row.fault = words[:300]
