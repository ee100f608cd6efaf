"""A tally is sent with the care of every other document: given up, refused, resent, and never told twice."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select, text

from core import clock
from core.database import db, end_read, transaction
from core.errors import Problem
from customs.dead_letters import attempts, resending, views
from customs.dead_letters.views import Filter
from customs.shipments import service, tallies
from customs.window import transport
from customs.zone_stock_models import ArrivalTally, ShipmentOrder
from tests.catalog import builders as catalogue
from tests.customs.desk.dead_letters.outages import HOUR, later, letters, take
from tests.customs.desk.window import FakeWindow
from tests.customs.zone.test_shipments import answer, crossing, listed, opened, site, tallied

__all__ = ["site"]


def arrived(site: uuid.UUID, window: FakeWindow, *answers: int, number: int = 1) -> uuid.UUID:
    """A crossing that has arrived with one parcel; its tally is sent once and answered so. Returns the tally's id."""
    shipment_id = crossing(site, f"086-{number}")
    listed(opened(site, f"LF2611000{number}"))
    window.answers = list(answers)
    tally_id = uuid.UUID(service.arrive("desk", shipment_id, None)["tallies"][0]["id"])
    end_read()
    tallies.file_tally(str(tally_id))
    return tally_id


def rounds(number: int, seconds: int) -> None:
    for _ in range(number):
        later(seconds)
        tallies.resend_tallies()


def sent(window: FakeWindow) -> list[tuple[str, bytes]]:
    return [(guid, xml) for kind, guid, xml in window.sent if kind == "711"]


def marked() -> list[bool]:
    found = list(db.session.scalars(select(ShipmentOrder.tallied)))
    end_read()
    return found


def anew() -> str:
    """A second tally of the crossing, or why there is none."""
    try:
        return str(tallies.file("desk", tallied()[0].shipment_id)["id"])
    except Problem as problem:
        return problem.code


def test_an_unreachable_window_is_given_up(site: uuid.UUID, window: FakeWindow) -> None:
    tally_id = arrived(site, window, *[503] * 1000)
    rounds(11, 2 * HOUR)
    assert letters() == []
    rounds(2, 2 * HOUR)
    row = letters()[0]
    assert (row["id"], row["kind"], row["reason"], row["tries"]) == (str(tally_id), "711", "unreachable", 12)
    assert (row["order"], row["declaration"], row["shipment"]) == (None, None, str(tallied()[0].shipment_id))
    assert row["last_error"] == "the window answered 503"
    before = len(window.answers)
    rounds(3, 6 * HOUR)
    assert len(window.answers) == before
    opened_ones = db.session.execute(text("SELECT object_id, detail FROM incident WHERE kind = 'dead_letters'")).all()
    end_read()
    assert [each.object_id for each in opened_ones] == ["unreachable"]
    assert set(opened_ones[0].detail) == {"shipment", "document", "message", "guid", "tries"}


def test_silence_is_given_up_and_a_late_receipt_lifts_it(site: uuid.UUID, window: FakeWindow) -> None:
    arrived(site, window)
    rounds(14, 6 * HOUR)
    assert [row["reason"] for row in letters()] == ["silent"]
    assert (marked(), anew()) == ([True], "tally_empty")  # customs may have it
    take(answer(tallied()[0], "399", 9))
    assert (letters(), tallied()[0].status) == ([], "accepted")


def test_refused_at_once_its_parcels_are_free(site: uuid.UUID, window: FakeWindow) -> None:
    first = arrived(site, window, 400)
    row = tallied()[0]
    assert (row.status, row.dead_reason, row.next_send_at, marked()) == ("refused", "refused", None, [False])
    take(answer(row, "120", 1))
    assert tallied()[0].status == "refused"
    second = anew()
    tallies.file_tally(second)
    assert letters() == []
    with pytest.raises(Problem) as replaced:
        resending.resend(first, "operator")
    assert replaced.value.code == "not_found"
    assert [each.status for each in tallied()] == ["refused", "filed"]
    assert [guid for guid, _ in sent(window)] == [tallied()[1].guid]


def test_refused_after_it_may_have_arrived_they_are_not(site: uuid.UUID, window: FakeWindow) -> None:
    arrived(site, window, 500, 400)  # 500: it has arrived, but nobody says so
    rounds(1, 60)
    assert [(row["reason"], row["status"]) for row in letters()] == [("refused", "ready")]
    assert (marked(), anew()) == ([True], "tally_empty")


def test_refused_after_nobody_was_there_they_are(
    site: uuid.UUID, window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: Any, **__: Any) -> None:
        raise transport.NoConnection("ConnectionError")

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "_go_on", lambda _: None)
        tally_id = arrived(site, window)
    with monkeypatch.context() as patch:
        patch.setattr(transport, "post", nobody)
        tallies.file_tally(str(tally_id))
    window.answers = [400]
    rounds(1, 60)
    assert [each.outcome for each in attempts.of_document(tally_id)] == ["refused", "unreached"]
    end_read()
    assert (tallied()[0].status, marked()) == ("refused", [False])


def test_sent_again_by_a_person_it_keeps_its_bytes(site: uuid.UUID, window: FakeWindow) -> None:
    tally_id = arrived(site, window, 400)
    kept = tallied()[0]
    resending.resend(tally_id, "operator")
    assert (letters(), marked(), anew()) == ([], [True], "tally_empty")
    tallies.file_tally(str(tally_id))
    tallies.file_tally(str(tally_id))
    assert [guid for guid, _ in sent(window)] == [kept.guid]
    assert (tallied()[0].status, tallied()[0].xml) == ("filed", kept.xml)


def test_all_are_sent_again_with_the_others(site: uuid.UUID, window: FakeWindow) -> None:
    for number in (1, 2):
        arrived(site, window, 400, number=number)
    assert (views.number(Filter()), views.number(Filter(kind="311")), views.number(Filter(kind="711"))) == (2, 0, 2)
    assert letters(order="LF26110001") == []
    first, second = letters()
    assert first["id"] > second["id"]
    assert [row["id"] for row in letters(after=uuid.UUID(first["id"]))] == [second["id"]]
    end_read()
    assert resending.resend_all(Filter(reason="silent"), "operator", clock.now()) == 0
    assert resending.resend_all(Filter(), "operator", clock.now()) == 2
    assert letters() == []


def test_a_slow_answer_is_waited_for(site: uuid.UUID, window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window thinks for fifteen seconds; the round that begins meanwhile leaves the tally alone."""
    seen: list[Any] = []

    def slow(*_: Any, **given: Any) -> tuple[int, bytes]:
        seen.append(given)
        if len(seen) == 1:
            rounds(1, 15)
        return 503, b"no"

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "_go_on", lambda _: None)
        tally_id = arrived(site, window)
    monkeypatch.setattr(transport, "post", slow)
    tallies.file_tally(str(tally_id))
    assert len(seen) == 1
    rounds(1, 2)
    assert len(seen) == 2  # given back at once


def test_a_dead_window_does_not_hold_the_worker(
    site: uuid.UUID, window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        arrived(site, window, number=number)
    asked: list[Any] = []

    def hang(*_: Any, **given: Any) -> None:
        asked.append(given)
        raise transport.NoAnswer("ReadTimeout")

    monkeypatch.setattr(transport, "post", hang)
    rounds(1, 60)
    assert len(asked) == 3


def test_one_that_cannot_be_sent_keeps_no_other_waiting(site: uuid.UUID, window: FakeWindow) -> None:
    first = arrived(site, window, 503, number=1)
    arrived(site, window, 503, number=2)
    with transaction() as session:
        session.get_one(ArrivalTally, first).xml = b"sealed under a key that is lost"
    rounds(1, 60)
    assert [each.status for each in tallied()] == ["ready", "filed"]


def test_attempts_are_let_go_but_not_of_dead_ones(site: uuid.UUID, window: FakeWindow) -> None:
    alive, dead = arrived(site, window, number=1), arrived(site, window, 400, number=2)
    take(answer(tallied()[0], "399", 9))
    later(31 * 24 * HOUR)
    attempts.forget_attempts()
    assert [len(attempts.of_document(each)) for each in (alive, dead)] == [0, 1]
    assert attempts.dead() == {"refused": 1}
    end_read()


def test_over_http_and_from_a_shell(client: Any, app: Any, site: uuid.UUID, window: FakeWindow) -> None:
    tally_id = arrived(site, window, 400)
    clerk = catalogue.bearer(catalogue.open_account("customs"))
    here = "/api/v1/customs/dead-letters"
    row = client.get(here, headers=clerk).json["items"][0]
    assert (row["id"], row["shipment"], row["declaration"]) == (str(tally_id), str(tallied()[0].shipment_id), None)
    one = client.get(f"{here}/{tally_id}", headers=clerk).json
    assert [each["outcome"] for each in one["attempts"]] == ["refused"]
    detail = client.get(f"/api/v1/customs/shipments/{row['shipment']}", headers=clerk).json
    assert [each["deadReason"] for each in detail["tallies"]] == ["refused"]
    said = app.test_cli_runner().invoke(args=["window", "dead-letters"])
    assert (said.exit_code, row["shipment"] in said.output) == (1, True)
    assert client.post(f"{here}/{tally_id}/resend", headers=clerk).status_code == 202
    assert client.get(f"{here}/{tally_id}", headers=clerk).status_code == 404
