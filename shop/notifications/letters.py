"""Letters: a notice as a plain-text mail in both languages, since accounts keep no language."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlsplit

from core import config, smtp_url
from customs import persons
from shop.notifications.kinds import LANGUAGES, Kind

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CLOSING = {
    "zh": "此邮件由系统自动发出。您账户中的全部通知：{inbox}",
    "en": "This mail is sent by a machine. All notices of your account: {inbox}",
}
_ADDRESS = re.compile(r"""[^\s\x00-\x20\x7f-\x9f"<>(),;:@\\\[\]]+@[^\s\x00-\x20\x7f-\x9f"<>(),;:@\\\[\]]+\Z""")
_HOST = re.compile(r"[A-Za-z0-9.-]+\Z", re.ASCII)


def letter(delivery_id: uuid.UUID, at: datetime, to: str, kind: Kind, facts: dict[str, Any]) -> EmailMessage:
    """The mail of a delivery: written again it is the same, Message-ID included. Raises ValueError for an address that
    is none."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Landfall", addr_spec=sender())
    mail["To"] = _address(to)
    mail["Subject"] = _line(" / ".join(kind.both("subject", facts).values())).replace("=?", "= ?")  # no encoded word
    mail["Date"] = at
    mail["Message-ID"] = f"<{delivery_id}@{_host()}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body(kind, facts), charset="utf-8", cte="base64")
    mail["Content-Language"] = ", ".join(LANGUAGES)
    return mail


def _address(to: str) -> Address:
    if not _ADDRESS.match(to) or "=?" in to:  # which the header would take for an encoded word
        raise ValueError("is no e-mail address")
    user, _, domain = to.partition("@")
    return Address(username=user, domain=domain)  # addr_spec would take none in another script


def body(kind: Kind, facts: dict[str, Any]) -> str:
    """Both languages below each other, with the page it is about; identity numbers never stand in it."""
    base = config.current().public_url.rstrip("/")
    parts = []
    for language in LANGUAGES:
        text = _line(kind.written("text", language, facts))
        closing = _CLOSING[language].format(inbox=f"{base}/account/notices")
        parts.append(f"{text}\n{base}{_line(kind.page(facts))}\n\n{closing}\n")
    return persons.veiled("\n\n* * *\n\n".join(parts))


def sender() -> str:
    """The address mails come from: the one of SMTP_URL, else one at the public host."""
    url = config.current().smtp_url
    named = smtp_url.parse(url).sender if url else None
    return named or f"no-reply@{_host()}"


def _host() -> str:
    host = urlsplit(config.current().public_url).hostname or ""
    return host if _HOST.match(host) and not host.replace(".", "").isdigit() else "landfall.localdomain"


def _line(text: str) -> str:
    """One line, whatever stood in a fact: a header cannot be broken, nor a text made to look like another."""
    return persons.veiled(_CONTROLS.sub(" ", text)).strip()
