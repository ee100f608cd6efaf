"""Mail on its way: taken from the outbox in batches over one connection, each noted as soon as the server has it.

Without SMTP_URL the console is the server: each mail is one line of the structured log, so that an operator can read
what would have gone out.
"""

from __future__ import annotations

import email.errors
import smtplib
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

import structlog
from sqlalchemy import select

from core import clock, config, smtp_url
from core.accounts import User
from core.database import assert_no_transaction, db, transaction
from shop.notification_models import Delivery, Notice
from shop.notifications import letters, outbox
from shop.notifications.kinds import stored
from shop.notifications.outbox import Tried

log = structlog.get_logger()

TIMEOUT_SECONDS = 10
IN_HAND_SECONDS = 30  # a slow server's batch ends before its lease does; the others wait for the next
ANSWER_MOST = 500
Post = Callable[[EmailMessage], tuple[int, str]]


class _Away(Exception):
    """The server cannot be reached: the other mails wait too."""


def send_due() -> int:
    """Send the mails that are due, at most one batch; returns how many were sent or given up."""
    parcels = _take()
    if not parcels:
        return 0
    assert_no_transaction()
    if config.current().smtp_url is None:  # nothing can get lost on the way to the log: one transaction for all
        _note({parcel.id: _send(parcel, _console) for parcel in parcels})
        return len(parcels)
    tried, begun = 0, time.monotonic()
    try:
        with _server() as post:
            for parcel in parcels:
                if time.monotonic() - begun > IN_HAND_SECONDS:
                    break
                _note({parcel.id: _send(parcel, post)})
                tried += 1
    except _Away as fault:
        log.warning("mail_server_away", fault=str(fault))
        _note({parcels[tried].id: _failed(clock.now(), 0, fault=str(fault))})
        return 0
    return tried


def _take() -> list[Any]:
    """Mails that are due, now in hand, with all that writing them needs."""
    due = (
        select(Delivery.id)
        .where(Delivery.status == "waiting", Delivery.next_at <= clock.now(), Delivery.account_id.is_not(None))
        .order_by(Delivery.next_at)
        .limit(outbox.BATCH)
    )
    with transaction() as session:
        mine = outbox.take(session, session.scalars(due).all())
    columns = (Delivery.id, Notice.at, Notice.kind, Notice.facts, Notice.merchant_id, User.email, User.active)
    statement = (
        select(*columns).join(Notice, Notice.id == Delivery.notice_id).join(User, User.id == Delivery.account_id)
    )
    return list(db.session.execute(statement.where(Delivery.id.in_(mine)).order_by(Delivery.id)))


def _send(parcel: Any, post: Post) -> Tried:
    """Write and hand over one mail. Raises _Away."""
    begun, at = time.monotonic(), clock.now()
    if not parcel.active:
        return _failed(at, 0, final=True, fault="the account is locked")
    kind = stored("person" if parcel.merchant_id is None else "merchant", parcel.kind)
    try:
        status, answer = post(letters.letter(parcel.id, parcel.at, parcel.email, kind, parcel.facts))
    except OSError as fault:
        raise _Away(f"{type(fault).__name__}: {fault}") from fault
    except (ValueError, email.errors.MessageError) as fault:
        return _failed(at, _ms(begun), final=True, fault=str(fault))
    return Tried(at, _ms(begun), 200 <= status < 300, status >= 500, status, answer[:ANSWER_MOST])


def _failed(at: datetime, ms: int, *, final: bool = False, fault: str) -> Tried:
    return Tried(at, ms, done=False, final=final, fault=fault[:200])


def _note(tried: Mapping[uuid.UUID, Tried]) -> None:
    with transaction() as session:
        outbox.note(session, tried)


def _ms(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


@contextmanager
def _server() -> Iterator[Post]:
    """How a mail is handed to the server of SMTP_URL. Raises _Away."""
    try:
        server = _connected(smtp_url.parse(str(config.current().smtp_url)))
    except (OSError, ValueError) as fault:  # SMTPException among them; ValueError for a name that is no host's
        raise _Away(f"{type(fault).__name__}: {fault}") from fault
    try:
        yield lambda mail: _hand_over(server, mail)
    finally:
        server.close()


def _connected(setting: smtp_url.SmtpServer) -> smtplib.SMTP:
    """Raises SMTPException or OSError; the certificate of the server is checked."""
    context = ssl.create_default_context()
    name = socket.gethostname()
    if setting.tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            setting.host, setting.port, name, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(setting.host, setting.port, name, timeout=TIMEOUT_SECONDS)
        server.ehlo()
        if setting.starttls == "always" or (setting.starttls == "offered" and server.has_extn("starttls")):
            server.starttls(context=context)
    if setting.user is not None:
        server.login(setting.user, setting.password or "")
    return server


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> tuple[int, str]:
    """The server's last word on a mail: its code and text. Raises _Away, OSError."""
    server.ehlo_or_helo_if_needed()
    sender, to = (mail[name].addresses[0].addr_spec for name in ("From", "To"))
    wide = () if to.isascii() else ("SMTPUTF8", "BODY=8BITMIME")
    if wide and not server.has_extn("smtputf8"):
        return 553, "the server takes no such address (SMTPUTF8)"
    server.rset()
    status, answer = server.mail(sender, wide)
    if status >= 300:  # no mail of ours would be taken: that is about us, not about this one
        raise _Away(f"{status} {_plain(answer)}")
    data = mail.as_bytes(policy=SMTPUTF8) if wide else mail.as_bytes()
    for step in (lambda: server.rcpt(to), lambda: server.data(data)):
        try:
            status, answer = step()
        except smtplib.SMTPResponseException as refusal:
            status, answer = refusal.smtp_code, refusal.smtp_error  # type: ignore[assignment]
        if status >= 300:
            break
    return status, _plain(answer)


def _plain(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def _console(mail: EmailMessage) -> tuple[int, str]:
    text = {"subject": str(mail["Subject"]), "text": mail.get_content()}
    log.info("mail", to=str(mail["To"]), message_id=str(mail["Message-ID"]), **text)
    return 250, "written to the log"
