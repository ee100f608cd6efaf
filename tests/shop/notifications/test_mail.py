"""Mails: written once and for all, sent at least once, never inside a transaction."""

from __future__ import annotations

import base64
import email
import email.errors
import email.policy
import itertools
import uuid
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from catalog.models import MerchantMember
from core import accounts, clock, smtp_url
from core.config import ConfigError, load
from core.database import transaction
from shop import notify
from shop.notification_models import Delivery, DeliveryAttempt, Notice
from shop.notifications import letters, mail, outbox
from shop.notifications.kinds import kinds
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.notifications.conftest import MailServer

Send = Callable[[], None]
KIND, FACTS = "refund_paid", {"order": "7", "number": "LF20260101000001", "amount": "12.50"}


def tell(person: Any, kind: str = KIND, **facts: Any) -> None:
    with transaction() as session:
        notify.person(session, person.id, kind, **{**FACTS, **facts})


def deliveries() -> list[Delivery]:
    return list(state.fresh().scalars(select(Delivery).order_by(Delivery.id)))


def tries() -> list[tuple[int | None, str | None]]:
    rows = state.fresh().scalars(select(DeliveryAttempt).order_by(DeliveryAttempt.id))
    return [(row.status, row.fault) for row in rows]


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_a_mail_in_both_languages(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url, public_url="https://landfall.example")
    person = builders.open_account("consumer")
    tell(person)
    send()
    ((sender, to, raw),) = mail_server.mails
    assert (sender, to) == ("<shop@landfall.example>", [f"<{person.email}>"])
    got = read(raw)
    (delivery,) = deliveries()
    notice = state.fresh().scalars(select(Notice)).one()
    assert got["To"] == person.email
    assert got["From"] == "Landfall <shop@landfall.example>"
    assert got["Message-ID"] == f"<{delivery.id}@landfall.example>"
    assert got["Date"].datetime == notice.at.replace(microsecond=0)
    assert got["Subject"] == "已退款 12.50 元（订单 LF20260101000001） / CNY 12.50 refunded for order LF20260101000001"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got.get_content_type() == "text/plain"
    text = got.get_content()
    assert "订单 LF20260101000001 的退款 12.50 元已原路退回" in text
    assert "CNY 12.50 for order LF20260101000001 has gone back" in text
    assert "https://landfall.example/orders/7" in text
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert (delivery.status, delivery.attempts, tries()) == ("sent", 1, [(250, None)])


def test_a_mail_is_sent_once(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url)
    people = [builders.open_account("consumer") for _ in range(3)]
    for person in people:
        tell(person)
    send()
    send()
    assert sorted(to for _, (to,), _ in mail_server.mails) == sorted(f"<{person.email}>" for person in people)
    assert mail_server.connections == 1  # one connection for the batch


def test_what_is_only_for_the_inbox_is_not_mailed(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url)
    tell(builders.open_account("consumer"), "allowance_given_back", remaining="1.00", year=2026)
    send()
    assert (mail_server.mails, deliveries()) == ([], [])


def test_the_owners_are_mailed_what_concerns_the_merchant(
    send: Send, use: Any, mail_server: MailServer, shelf: Shelf
) -> None:
    clerk = builders.open_account("merchant")
    with transaction() as session:
        session.add(MerchantMember(user_id=clerk.id, merchant_id=shelf.merchant_id, role="stock_clerk"))
        notify.merchant(session, shelf.merchant_id, "payout_failed", amount="9.00", payout="PO1")
        notify.merchant(session, shelf.merchant_id, "order_cancelled", order="7", number="N")
    use(smtp_url=mail_server.url)
    send()
    ((_, to, raw),) = mail_server.mails
    assert to == [f"<{shelf.owner.email}>"]
    assert "A payout of CNY 9.00 failed" in read(raw)["Subject"]


@pytest.mark.parametrize(
    ("verb", "answer", "status"),
    [("RCPT", b"550 no such box", "failed"), ("END", b"", "waiting"), ("RCPT", b"450 come later", "waiting")],
)
def test_no_is_no_and_later_is_later(
    send: Send, use: Any, mail_server: MailServer, verb: str, answer: bytes, status: str
) -> None:
    use(smtp_url=mail_server.url)
    mail_server.answers[verb] = [answer]
    tell(builders.open_account("consumer"))
    send()
    assert [row.status for row in deliveries()] == [status]
    assert len(tries()) == 1


def test_a_server_that_is_away_costs_no_mail(
    send: Send, use: Any, mail_server: MailServer, move_clock: Callable[[int], None]
) -> None:
    use(smtp_url="smtp://127.0.0.1:9")
    for _ in range(3):
        tell(builders.open_account("consumer"))
    send()
    ((_, fault),) = tries()  # the first told us; the others were not burnt on it
    assert "ConnectionRefusedError" in (fault or "")
    assert {row.status for row in deliveries()} == {"waiting"}
    use(smtp_url=mail_server.url)
    move_clock(61)
    send()
    assert len(mail_server.mails) == 3
    assert {row.status for row in deliveries()} == {"sent"}


def test_a_server_that_takes_nothing_from_us_burns_no_mail(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url)
    mail_server.answers["MAIL"] = [b"530 who are you"]
    for _ in range(2):
        tell(builders.open_account("consumer"))
    send()
    assert tries() == [(None, "530 who are you")]
    assert {row.status for row in deliveries()} == {"waiting"}


def test_a_slow_server_is_left_before_the_lease_ends(
    send: Send, use: Any, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, move_clock: Callable[[int], None]
) -> None:
    use(smtp_url=mail_server.url)
    for _ in range(3):
        tell(builders.open_account("consumer"))
    monkeypatch.setattr(mail, "IN_HAND_SECONDS", -1)
    send()
    assert mail_server.mails == []
    monkeypatch.undo()
    move_clock(61)
    send()
    assert len(mail_server.mails) == 3


def test_killed_between_sending_and_noting_it_goes_again_under_the_same_id(
    send: Send, use: Any, mail_server: MailServer, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(smtp_url=mail_server.url)
    tell(builders.open_account("consumer"))

    def killed(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(outbox, "note", killed)
        send()
    send()
    assert len(mail_server.mails) == 1  # in hand of the dead one for a minute
    move_clock(61)
    send()
    first, second = (read(raw) for _, _, raw in mail_server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()
    assert [row.status for row in deliveries()] == ["sent"]


def test_after_three_days_a_mail_is_given_up(
    send: Send, use: Any, mail_server: MailServer, move_clock: Callable[[int], None]
) -> None:
    use(smtp_url=mail_server.url)
    tell(builders.open_account("consumer"))
    after, moments = 0, []
    while not moments or deliveries()[0].status == "waiting":
        mail_server.answers["RCPT"] = [b"451 later"]
        move_clock(after)
        send()
        if len(tries()) > len(moments):
            moments.append(after)
        after += 600 if after > 1200 else 5
    assert moments[-1] // 3600 == 72
    assert 10 <= len(moments) <= 20
    waits = [later - sooner for sooner, later in itertools.pairwise(moments)]
    assert waits[0] <= 20 < waits[2] < waits[4] < max(waits) < 10 * 3600


def test_a_locked_account_gets_none(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url)
    person = builders.open_account("consumer")
    tell(person)
    accounts.set_active(person.id, False)
    send()
    assert mail_server.mails == []
    assert [row.status for row in deliveries()] == ["failed"]


def test_the_console_is_the_server_by_default(send: Send) -> None:
    person = builders.open_account("consumer")
    number = builders.identity_number(7)
    tell(person, number=f"N {number}")
    with capture_logs() as logs:
        send()
    (line,) = [each for each in logs if each["event"] == "mail"]
    assert line["to"] == person.email
    assert "CNY 12.50" in line["subject"]
    assert "原路退回" in line["text"]
    assert number not in str(line)
    assert number[:3] + "*" * 11 + number[14:] in line["text"]
    assert [row.status for row in deliveries()] == ["sent"]


BREAKS = [
    "\r\nBcc: x@example.com", "\nX: y", "\r", "\x00\x0b", "\u2028Subject: z", "\x85",
    " =?utf-8?q?=0D=0ABcc:_x=40y.z=0D=0A=0D=0Aevil?=", " =?utf-8?b?/w==?=", "==??utf-8?q?=0ABcc:x?=", "=?" * 3,
]  # fmt: skip


@pytest.mark.parametrize("evil", BREAKS)
def test_nobody_breaks_a_header(app: Any, evil: str) -> None:
    facts = {**FACTS, "number": f"N{evil}", "order": f"7{evil}"}
    with app.app_context():
        raw = letters.letter(uuid.uuid4(), clock.now(), "a@landfall.example", kinds("person")[KIND], facts).as_bytes()
    head = raw.split(b"\r\n\r\n")[0]
    names = {line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")}
    assert names == {b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Content-Language", b"Auto-Submitted",
                     b"Content-Type", b"Content-Transfer-Encoding", b"MIME-Version"}  # fmt: skip
    text = base64.b64decode(raw.split(b"\r\n\r\n", 1)[1]).decode()
    assert not any(line.startswith(("Bcc", "X:", "Subject")) for line in text.splitlines())


@pytest.mark.parametrize(
    "to",
    [
        "a@x.example\r\nBcc: b@x.example",
        "a@x.example, b@x.example",
        "",
        "no address",
        "=?utf-8?q?v=40evil.example=3E?=@x.example",
    ],
)
def test_an_address_that_is_none_gets_nothing(app: Any, to: str) -> None:
    with app.app_context(), pytest.raises(ValueError, match=r"."):
        letters.letter(uuid.uuid4(), clock.now(), to, kinds("person")[KIND], FACTS)


def test_a_mail_that_cannot_be_written_holds_no_other_up(
    send: Send, use: Any, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(smtp_url=mail_server.url)
    for _ in range(2):
        tell(builders.open_account("consumer"))
    write, faults = letters.letter, [email.errors.HeaderParseError("no header")]

    def once(*args: Any) -> EmailMessage:
        if faults:
            raise faults.pop()
        return write(*args)

    monkeypatch.setattr(letters, "letter", once)
    send()
    assert (len(mail_server.mails), sorted(row.status for row in deliveries())) == (1, ["failed", "sent"])


@pytest.mark.parametrize("host", ["a..b.example", "x" * 64 + ".example"])
def test_a_server_whose_name_is_none_costs_no_mail(send: Send, use: Any, host: str) -> None:
    use(smtp_url=f"smtp://{host}")
    tell(builders.open_account("consumer"))
    send()
    assert [row.status for row in deliveries()] == ["waiting"]
    assert tries()[0][1]


def test_an_address_in_another_script(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url)
    person = accounts.register("用户@landfall.example", builders.PASSWORD, "Tester")
    tell(person)
    send()
    ((sender, to, raw),) = mail_server.mails
    assert to == ["<用户@landfall.example>"]
    assert "SMTPUTF8" in sender
    assert "To: 用户@landfall.example".encode() in raw


def test_a_kind_that_has_lost_its_words_holds_nothing_up(send: Send, use: Any, mail_server: MailServer) -> None:
    use(smtp_url=mail_server.url)
    person = builders.open_account("consumer")
    tell(person)
    with transaction() as session:
        session.add(Notice(at=clock.now(), account_id=person.id, kind="of_old", facts={}))
    tell(person)
    send()
    assert len(mail_server.mails) == 2


def test_nothing_is_sent_inside_a_transaction(context: None) -> None:
    tell(builders.open_account("consumer"))
    outbox.make_out()
    with transaction(), pytest.raises(RuntimeError):
        mail.send_due()


def test_words_of_every_kind_are_whole() -> None:
    for reader in ("person", "merchant"):
        for kind in kinds(reader).values():
            facts = {word: "x" for word in kind.needs}
            for part in ("subject", "text"):
                both = kind.both(part, facts)
                assert both["zh"] != both["en"], kind.name
                assert not any("\u4e00" <= letter <= "\u9fff" for letter in both["en"]), kind.name
            assert kind.page(facts).startswith("/")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://mail.example", "must be a URL"),
        ("smtp://", "must be a URL"),
        ("smtp://u:secret@mail.example", "has a password"),
        ("smtp://mail.example?tls=1", "knows the options"),
        ("smtp://mail.example?starttls=perhaps", "starttls must be"),
        ("smtp://mail.example?from=x%0d%0aBcc:y@z", "e-mail address"),
        ("smtp://mail.example/path", "path"),
        ("smtp://mail.example:99999", "Port"),
    ],
)
def test_a_wrong_url_stops_the_start_without_showing_its_password(settings: Any, url: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        smtp_url.parse(url)
    with pytest.raises(ConfigError, match=rf"SMTP_URL: .*{rule}") as fault:
        load({"SMTP_URL": url, "DATABASE_URL": settings.database_url})
    assert "secret" not in str(fault.value)


def test_how_a_url_is_read() -> None:
    read_url = smtp_url.parse("smtps://shop%40x:p%2Fw@mail.example?from=shop@landfall.example")
    assert (read_url.host, read_url.port, read_url.tls) == ("mail.example", 465, True)
    assert (read_url.user, read_url.password, read_url.sender) == ("shop@x", "p/w", "shop@landfall.example")
    assert "p/w" not in repr(read_url)
    assert smtp_url.parse("smtp://u:p@mail.example:587?starttls=always").starttls == "always"


@pytest.mark.parametrize("url", ["{}&starttls=always", "smtp://shop:p@{}", "smtps://{}"])
def test_without_tls_or_a_right_password_nothing_goes_out(
    send: Send, use: Any, mail_server: MailServer, url: str
) -> None:
    host = mail_server.url.removeprefix("smtp://").partition("?")[0]
    use(smtp_url=url.format(mail_server.url if url.startswith("{") else host))
    tell(builders.open_account("consumer"))
    send()
    assert mail_server.mails == []
    ((status, fault),) = tries()
    assert status is None
    assert fault
    assert "p@" not in fault


@pytest.mark.parametrize("url", ["", "console"])
def test_the_console_can_be_named(settings: Any, url: str) -> None:
    with pytest.raises(ConfigError) as fault:  # other settings are missing; this one is no fault
        load({"SMTP_URL": url, "DATABASE_URL": settings.database_url})
    assert "SMTP_URL" not in str(fault.value)
