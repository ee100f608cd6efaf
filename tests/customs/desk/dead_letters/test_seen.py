"""Dead letters by the API, from a shell, and in the metrics."""

import uuid
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import clock
from customs import filing
from customs.dead_letters import commands, resending
from tests.customs.desk.builders import Caller, documents
from tests.customs.desk.dead_letters.outages import later, letters, opened, silent_paper
from tests.customs.desk.window import FakeWindow


def test_the_calls(window: FakeWindow, app: Any) -> None:
    desk, operator = Caller(app, "customs"), Caller(app, "operator")
    found = silent_paper(window)
    page = desk.get("/customs/dead-letters?limit=2").get_json()
    assert len(page["items"]) == 2
    rest = desk.get(f"/customs/dead-letters?limit=2&cursor={page['next']}").get_json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    first = operator.get("/customs/dead-letters?kind=311&reason=silent&order=LF2611230001").get_json()["items"][0]
    assert (first["guid"], first["declaration"]) == (documents(found)["311"].guid, str(found))
    one = operator.get(f"/customs/dead-letters/{first['id']}").get_json()
    assert {each["outcome"] for each in one["attempts"]} == {"sent"}
    assert desk.get("/customs/dead-letters?reason=other").status_code == 422
    assert desk.get(f"/customs/dead-letters/{uuid.uuid4()}").status_code == 404
    answer = operator.post(f"/customs/dead-letters/{first['id']}/resend", {})
    assert (answer.status_code, answer.get_json()) == (202, {"resent": 1})
    assert operator.post(f"/customs/dead-letters/{first['id']}/resend", {}).status_code == 404
    others = [row["id"] for row in letters()]
    answer = operator.post("/customs/dead-letters/resend", {"ids": [first["id"], others[0]]})
    assert answer.get_json() == {"resent": 1}
    assert operator.post("/customs/dead-letters/resend", {"all": True}).get_json() == {"resent": 1}
    assert len(letters()) == 1
    resending.resend_dead("operator", clock.instant_text(clock.now()) or "", None, None, None)
    assert letters() == []


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": ["x"]}, {"all": False}, {"ids": [str(uuid.uuid4())], "all": True}, {"more": 1}]
)
def test_a_bad_request_is_refused(app: Any, body: dict[str, Any]) -> None:
    with app.app_context():
        assert Caller(app, "operator").post("/customs/dead-letters/resend", body).status_code == 422


@pytest.mark.parametrize("roles", [(), ("consumer",), ("merchant",)])
def test_nobody_else_sees_them(app: Any, roles: tuple[str, ...]) -> None:
    with app.app_context():
        caller = Caller(app, *roles)
        refused = 403 if roles else 401
        assert caller.get("/customs/dead-letters").status_code == refused
        assert caller.post("/customs/dead-letters/resend", {"all": True}).status_code == refused


def test_the_commands(window: FakeWindow, app: Any) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["window", "dead-letters"]).output == "no dead letters\n"
    found = silent_paper(window)
    said = run(args=["window", "dead-letters", "--reason", "silent"])
    assert (said.exit_code, said.output.splitlines()[-1]) == (1, "3 dead letters")
    first = documents(found)["311"]
    assert first.guid in said.output
    assert run(args=["window", "resend", str(first.id)]).output == "1 sent again\n"
    assert run(args=["window", "resend", str(first.id)]).exit_code == 1
    assert run(args=["window", "resend"]).exit_code == 2
    assert run(args=["window", "resend", str(first.id), "--all"]).exit_code == 2
    assert run(args=["window", "resend", "--all"]).output == "2 sent again\n"
    assert letters() == []


def test_more_than_are_shown_are_counted(window: FakeWindow, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_SHOWN", 2)
    silent_paper(window)
    said = app.test_cli_runner().invoke(args=["window", "dead-letters"]).output.splitlines()
    assert (len(said), said[2:]) == (4, ["... and 1 older ones", "3 dead letters"])


def test_the_metrics(window: FakeWindow, app: Any, client: Any) -> None:
    window.answers = [400, 500]
    filing.file(str(opened()))
    later(60)
    filing.resend()
    said = client.get("/metrics").get_data(as_text=True)
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
    }
    for kind, outcome in (("311", "refused"), ("411", "unavailable"), ("511", "sent")):
        labels = (("kind", kind), ("outcome", outcome), ("transport", "http"))
        assert samples[("landfall_window_sendings_total", *labels)] == 1
    assert samples[("landfall_window_dead_letters", ("reason", "refused"))] == 1
    assert samples[("landfall_window_dead_letters", ("reason", "silent"))] == 0
