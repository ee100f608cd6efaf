"""The word of the exchange on what we sent."""

import uuid
from typing import Any

import pytest

from core.database import db
from customs import filing, inbox
from customs.dead_letters import attempts, resending, views
from customs.dead_letters.views import Filter
from customs.shipments import service, tallies
from tests.catalog import builders as catalogue
from tests.customs.desk import builders
from tests.customs.desk.builders import documents, status_of
from tests.customs.desk.file_drop.drops import filed, later
from tests.customs.window.dxp.transfer_client import TransferClient
from tests.customs.zone import test_shipments as zone


def test_an_answer_of_the_exchange_refuses_once(client: TransferClient, heard: list[Any]) -> None:
    found = filed(client)
    guid = documents(found)["311"].guid
    client.answer(guid, "2001", name="a.xml", info="110105194912310\u0030\u0032X? no")
    client.answer(guid, "2001", name="b.xml", info="110105194912310\u0030\u0032X? no")
    assert inbox.read_inbox() == {"read": 2}
    document = documents(found)["311"]
    assert (document.status, document.dead_reason, document.next_send_at) == ("refused", "refused", None)
    assert status_of(found) == "failed"
    assert [state for _, state, _ in heard] == ["failed"]
    told = [each for each in attempts.of_document(document.id) if each.outcome == "answered"]
    db.session.rollback()
    assert len(told) == 1
    assert told[0].detail.startswith("2001 The receiver does not exist")
    assert builders.NUMBER not in told[0].detail


def test_an_answer_read_twice_after_a_kill_still_refuses(
    client: TransferClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = filed(client)
    client.answer(documents(found)["311"].guid, "1001", name="a.xml")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(inbox.sending, "refuse", die)
        with pytest.raises(KeyboardInterrupt):
            inbox.read_inbox()
    assert status_of(found) == "pending"
    inbox.read_inbox()
    assert status_of(found) == "failed"


@pytest.mark.parametrize("code", ["3002", "3999", "4711", "0000"])
def test_a_passing_fault_or_a_code_not_ours_refuses_nothing(client: TransferClient, code: str) -> None:
    found = filed(client)
    client.answer(documents(found)["311"].guid, code)
    assert inbox.read_inbox() == {"read": 1}
    assert documents(found)["311"].status == "filed"
    later(60)
    filing.resend()
    assert "311" in [kind for kind, _, _ in client.take()]


def test_an_answer_about_nothing_of_ours_is_put_away(client: TransferClient) -> None:
    client.answer(str(uuid.uuid4()).upper(), "2001", at="2026-11-23T12:00:00")
    assert inbox.read_inbox() == {"read": 1}


def test_resent_after_a_refusal_it_goes_on_with_the_same_bytes(client: TransferClient, heard: list[Any]) -> None:
    found = filed(client)
    document = documents(found)["411"]
    client.answer(document.guid, "1002", name="old.xml")
    inbox.read_inbox()
    assert [row["reason"] for row in views.listing(Filter(), 10)] == ["refused"]
    later(5)
    resending.resend(document.id, "operator")
    assert status_of(found) == "pending"
    filing.resend()
    first, second = [(guid, xml) for kind, guid, xml in [*client.sent, *client.take()] if kind == "411"][:2]
    assert first == second
    client.answer(document.guid, "1002", at="2026-11-23T12:30:00", name="late.xml", info="about the first one")
    inbox.read_inbox()
    assert documents(found)["411"].status == "filed"


def test_an_answer_refuses_a_tally_too(client: TransferClient) -> None:
    site = catalogue.warehouse("9610")
    shipment_id = zone.crossing(site)
    zone.listed(zone.opened(site, "LF26110001"))
    service.arrive("desk", shipment_id, None)
    row = zone.tallied()[0]
    tallies.file_tally(str(row.id))
    client.take()
    client.answer(row.guid, "2001")
    assert inbox.read_inbox() == {"read": 1}
    row = zone.tallied()[0]
    assert (row.status, row.dead_reason, row.next_send_at) == ("refused", "refused", None)
    assert [each.outcome for each in attempts.of_document(row.id)] == ["answered", "sent"]
    db.session.rollback()
    tallies.resend(row.id, "operator")
    client.answer(row.guid, "2001", at="2026-11-23T12:00:00")  # about the sending before
    assert inbox.read_inbox() == {"read": 1}
    assert zone.tallied()[0].status == "ready"
