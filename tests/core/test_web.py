"""The edge as a client sees it."""

from typing import Any

from core.accounts import issue_token, register


def test_health_and_readiness(client: Any, database_url: str) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["database"]) == (200, "ok")
    assert b"landfall_jobs" in client.get("/metrics").data


def test_unknown_addresses_and_methods_answer_in_our_shape(client: Any) -> None:
    missing = client.get("/api/v1/nothing/here")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "not_found")
    wrong = client.delete("/api/v1/me")
    assert (wrong.status_code, wrong.get_json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["X-Request-Id"] == wrong.get_json()["request_id"]


def test_an_address_that_no_column_can_hold_is_unknown(app: Any, database_url: str, client: Any) -> None:
    with app.app_context():
        token, _ = issue_token(register("nul@example.com", "a long password", "N", ("operator",)))
    body = {"paid_on": "2026-11-01", "reference": "x"}
    answer = client.post(
        "/api/v1/customs/tax-payments/a%00b/paid", json=body, headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_a_large_body_is_413_before_it_is_read(client: Any) -> None:
    answer = client.post("/api/v1/tokens", data=b" " * (2 << 20), content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")


def test_the_body_must_be_json(client: Any) -> None:
    answer = client.post("/api/v1/tokens", data="email=a", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")


def test_a_lost_database_is_503_with_retry_after(app: Any, client: Any, database_url: str, monkeypatch: Any) -> None:
    from sqlalchemy.exc import OperationalError

    def lost(_secret: str) -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    monkeypatch.setattr("core.web.actor_by_token", lost)
    answer = client.get("/api/v1/me", headers={"Authorization": "Bearer " + "x" * 43})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "server closed" not in answer.text


def test_an_unforeseen_fault_tells_nothing(app: Any, client: Any, database_url: str, monkeypatch: Any) -> None:
    def broken(_secret: str) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("core.web.actor_by_token", broken)
    answer = client.get("/api/v1/me", headers={"Authorization": "Bearer " + "x" * 43})
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


def test_a_role_is_asked_for(app: Any, client: Any, database_url: str) -> None:
    with app.app_context():
        secret, _ = issue_token(register("c@landfall.example", "landfall-demo", "C"))
    answer = client.get("/api/v1/customs/declarations", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


def test_a_made_up_method_makes_no_series_of_its_own(client: Any, database_url: str) -> None:
    assert client.open("/healthz", method="BREWCOFFEE").status_code == 405
    told = client.get("/metrics").text
    assert 'method="other"' in told
    assert "BREWCOFFEE" not in told
