"""The upload: made from what the shop keeps, signed once, sent as it is until customs says 10000.

The next try is set before this one, so a process that dies is followed by another. What lacks an element, or was
refused three times, or not reached for a day, waits for a person.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy import select, update

from core import audit, clock, config, strict_json
from core.database import assert_no_transaction, db, end_read, transaction
from core.errors import Problem
from core.jobs import task
from customs import filing_documents, sealing
from customs.models import Declaration
from customs.payment_data import message, source, telling
from customs.payment_models import PaymentDataRequest, PaymentDeclaration
from customs.persons import veiled
from customs.window.http import NoAnswer, exchange
from customs.window.profiles import SigningFailed

log = structlog.get_logger()

ACCEPTED = "10000"
LACKING, NOT_REACHED = "lacking: ", "not reached: "
FIELD = "payExInfoStr"
TIMEOUT_SECONDS = 8
ANSWER_BYTES_MAX = 4096
REFUSALS_MAX, ATTEMPTS_MAX = 3, 60
WAIT_SECONDS_MAX = 1800
_BATCH = 50


class NotUploaded(Exception):
    """This try failed; `final` says that another would fail as well until somebody mends something."""

    def __init__(self, words: str, *, final: bool = False, refused: bool = False) -> None:
        super().__init__(words)
        self.final = final
        self.refused = refused


@task("customs.upload_payment_data")
def upload(request_id: str) -> None:
    """Upload what customs asked for, unless somebody else does so now; run again it changes nothing."""
    identity = uuid.UUID(request_id)
    claimed = _claim(identity)
    if claimed is None:
        return
    try:
        body = sealing.unseal(claimed.body) if claimed.body else _make(claimed)
        words = _send(body)
    except (NotUploaded, SigningFailed) as fault:
        _failed(claimed, fault)
    else:
        _done(identity, words)


@task("customs.upload_payment_data_due", schedule="* * * * * */10", alone=True)
def upload_due() -> None:
    """What is due again, and what a dead worker has left behind."""
    due = select(PaymentDataRequest.id).where(PaymentDataRequest.next_try_at <= clock.now())
    found = db.session.scalars(due.order_by(PaymentDataRequest.next_try_at).limit(_BATCH)).all()
    end_read()
    for request_id in found:
        try:
            upload(str(request_id))
        except Exception:
            db.session.rollback()
            log.exception("payment_data_interrupted", request=str(request_id))


def wait_seconds(attempts: int) -> int:
    """Until the next try: 20 seconds, longer than a try takes, doubling to half an hour."""
    return min(20 * 2 ** min(attempts - 1, 10), WAIT_SECONDS_MAX)


def _claim(request_id: uuid.UUID) -> PaymentDataRequest | None:
    """Count the try and set the next one behind the row's lock: of two workers one gets it."""
    now, row = clock.now(), PaymentDataRequest
    with transaction() as session:
        found = session.get(row, request_id, with_for_update=True, populate_existing=True)
        if found is None or found.next_try_at is None or found.next_try_at > now:
            return None
        found.attempts += 1
        found.next_try_at = now + timedelta(seconds=wait_seconds(found.attempts))
        session.flush()
        session.expunge(found)
        return found


def _make(row: PaymentDataRequest) -> bytes:
    """Build and sign, and keep it before it is sent, so that every try sends the same bytes."""
    original = source.original_of(row.order_number)
    if original is None:
        raise NotUploaded("nothing is kept of the payment of this order", final=True)
    original = as_declared(original)
    end_read()
    lacking = message.missing(original)
    if lacking:
        raise NotUploaded(LACKING + ", ".join(lacking), final=True)
    own = filing_documents.parties()
    made = message.parts(
        original,
        own.platform,
        own.payment,
        session_id=row.session_id,
        guid=str(row.id).upper(),
        service_time=milliseconds(),
    )
    assert_no_transaction()
    body = sign(made).encode()
    with transaction() as session:
        kept = update(PaymentDataRequest).where(PaymentDataRequest.id == row.id, PaymentDataRequest.body.is_(None))
        session.execute(kept.values(body=sealing.seal(body)))
        winner = session.scalar(select(PaymentDataRequest.body).where(PaymentDataRequest.id == row.id))
    return body if winner is None else sealing.unseal(winner)


def as_declared(original: message.Original) -> message.Original:
    """With the number and the department that a payment enterprise gave, where one declared the payment."""
    query = select(PaymentDeclaration).join(Declaration, Declaration.id == PaymentDeclaration.declaration_id)
    found = db.session.scalars(
        query.where(Declaration.order_number == original.order_number, PaymentDeclaration.state == "declared")
    ).first()
    if found is None or found.transaction_id is None:
        return original
    number = found.verified_no or found.transaction_id
    return replace(original, transaction_id=number, ver_dept=found.ver_dept or original.ver_dept)


def sign(made: message.Parts) -> str:
    """The field with certificate number and signature. Raises SigningFailed."""
    given = filing_documents.signer().sign(made.signed_text().encode())
    return made.upload(given.cert_no, base64.b64encode(given.value).decode())


def milliseconds() -> int:
    """Our clock as the interface wants it."""
    return int(clock.now().timestamp() * 1000)


def _send(body: bytes) -> str:
    """Customs' own words for what it took. Raises NotUploaded."""
    assert_no_transaction()
    url = config.current().payment_data_address
    if url is None:
        raise NotUploaded("PAYMENT_DATA_URL is not set", final=True)
    try:
        reply = exchange(url, seconds=TIMEOUT_SECONDS, at_most=ANSWER_BYTES_MAX, data={FIELD: body.decode()})
    except NoAnswer as fault:
        raise NotUploaded(f"{NOT_REACHED}{fault}") from fault
    if reply.status != 200:
        raise NotUploaded(f"answered {reply.status}")
    try:
        said = strict_json.loads(reply.body)
    except Problem:
        said = None
    if not isinstance(said, dict):
        raise NotUploaded("the answer is not JSON")
    words = veiled(f"{said.get('code')} {said.get('message') or ''}".strip())[:500]
    if str(said.get("code")) != ACCEPTED:
        raise NotUploaded(words, refused=True)
    return words


def _done(request_id: uuid.UUID, words: str) -> None:
    with transaction() as session:
        row = session.get_one(PaymentDataRequest, request_id, with_for_update=True, populate_existing=True)
        row.state, row.next_try_at, row.uploaded_at, row.answer = "uploaded", None, clock.now(), words
        audit.record(
            session, "customs", "payment_data_uploaded", "payment_data_request", row.id, order=row.order_number
        )


def _failed(claimed: PaymentDataRequest, fault: Exception) -> None:
    """Due again as the claim has set it, or given up."""
    final = claimed.attempts >= ATTEMPTS_MAX or (
        isinstance(fault, NotUploaded) and (fault.final or (fault.refused and claimed.attempts >= REFUSALS_MAX))
    )
    with transaction() as session:
        row = session.get_one(PaymentDataRequest, claimed.id, with_for_update=True, populate_existing=True)
        if row.state != "waiting":
            return
        row.answer = str(fault)[:500]
        if final:
            row.state, row.next_try_at = "dead", None
            told = {"request": str(row.id), "order": row.order_number, "attempts": row.attempts, "answer": row.answer}
            telling.tell(session, _reason(fault), told)
    log.warning(
        "payment_data_not_uploaded", request=str(claimed.id), order=claimed.order_number, fault=str(fault)[:200]
    )


def _reason(fault: Exception) -> str:
    """Why it was given up, in one word for those who hear of it."""
    if isinstance(fault, NotUploaded) and (fault.refused or fault.final):
        return "refused" if fault.refused else "incomplete"
    return "unanswered"
