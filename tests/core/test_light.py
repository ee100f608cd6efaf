"""What an API call passes by, and what it must not: guards, headers, counters and rate limits stay."""

from typing import Any

import pytest

SECURITY = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "browsing-topics=()",
}
PUBLIC = ("/healthz", "/api/v1/catalog/categories", "/api/v1/catalog/ranking", "/api/v1/shop/orders", "/api/v1/nothing")


@pytest.mark.parametrize("path", PUBLIC)
def test_an_api_answer_bears_the_security_headers_once(client: Any, database_url: str, path: str) -> None:
    headers = client.get(path).headers
    for name, value in SECURITY.items():
        assert headers.getlist(name) == [value]
    (policy,) = headers.getlist("Content-Security-Policy")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert len(headers.getlist("X-Request-Id")) == 1
    assert "Set-Cookie" not in headers


def test_a_page_has_its_own_nonce_still(client: Any, database_url: str) -> None:
    first, second = (client.get("/").headers["X-Frame-Options"] for _ in range(2))
    assert first == second == "SAMEORIGIN"
    assert client.get("/").headers["Vary"] == "Cookie"


def test_encrypted_answers_ask_for_encryption_to_stay(app: Any, database_url: str) -> None:
    """Behind https the strict transport header is there, on pages and API alike."""
    from dataclasses import replace

    from core import config
    from shop.app import create_app

    other = create_app(replace(config.current(), public_url="https://shop.example"))
    try:
        told = other.test_client().get("/api/v1/catalog/categories", base_url="https://shop.example").headers
        assert told["Strict-Transport-Security"].startswith("max-age=")
        plain = other.test_client().get("/api/v1/catalog/categories", base_url="http://shop.example")
        assert (plain.status_code, plain.headers["Location"]) == (302, "https://shop.example/api/v1/catalog/categories")
    finally:
        create_app(config.current())


def test_no_session_hook_runs_for_an_api_call(client: Any, database_url: str, monkeypatch: Any) -> None:
    def touched(*_: Any, **__: Any) -> None:
        raise AssertionError("an API call loaded a browser's identity")

    monkeypatch.setattr("flask_login.login_manager.LoginManager._load_user", touched)
    assert client.get("/api/v1/catalog/categories").status_code == 200
    assert "Vary" not in client.get("/api/v1/catalog/categories").headers


def test_a_session_opens_no_door_of_the_api(app: Any, client: Any, database_url: str) -> None:
    """A browser signed in as anybody is nobody to the API, which knows bearer tokens only."""
    from core.accounts import register

    with app.app_context():
        register("light@landfall.example", "landfall-demo", "L")
    form = client.get("/login").get_data(as_text=True)
    token = form.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    signed = client.post(
        "/login", data={"email": "light@landfall.example", "password": "landfall-demo", "csrf_token": token}
    )
    assert signed.status_code == 302
    assert client.get("/account").status_code == 200
    assert client.get("/api/v1/me").status_code == 401


def test_a_rate_limit_still_counts(client: Any, database_url: str) -> None:
    answers = [
        client.post("/api/v1/tokens", json={"email": "nobody@landfall.example", "password": "wrong wrong wrong"})
        for _ in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert "X-RateLimit-Remaining" in answers[0].headers


def test_a_form_still_needs_its_token(client: Any, database_url: str) -> None:
    assert client.post("/register", data={"email": "a@landfall.example"}).status_code == 400


def test_calls_are_counted(client: Any, database_url: str) -> None:
    client.get("/api/v1/catalog/categories")
    told = client.get("/metrics").get_data(as_text=True)
    assert 'landfall_answers_total{endpoint="catalog.list_categories",status="200"}' in told
