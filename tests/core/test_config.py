"""The settings refuse a start rather than run unsafely (F68)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.config import ConfigError, database_url, load, parse_clock

GOOD = {
    "DATABASE_URL": "postgresql://localhost/x",
    "SECRET_KEY": "development only",
    "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "STRIPE_SECRET_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
    "SINGLE_WINDOW_URL": "http://127.0.0.1:8430/cebcmsg",
    "SINGLE_WINDOW_RECEIPT_TOKEN": "a token",
    "LANDFALL_VAR": "/nonexistent",
}


def test_a_whole_set_loads_with_defaults() -> None:
    config = load(GOOD)
    assert (config.port, config.hold_seconds, config.env) == (8000, 600, "development")
    assert config.stripe_api_base == "https://api.stripe.com"
    assert (config.payout_days, config.stripe_connect_secret) == (None, "")
    assert config.signer_profile == "rsa-sha1"


def test_the_days_before_a_payout_are_a_whole_number_or_the_laws() -> None:
    assert load({**GOOD, "LANDFALL_PAYOUT_DAYS": "0"}).payout_days == 0
    for wrong in ("-1", "1.5", "soon"):
        with pytest.raises(ConfigError, match="LANDFALL_PAYOUT_DAYS"):
            load({**GOOD, "LANDFALL_PAYOUT_DAYS": wrong})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STRIPE_WEBHOOK_SECRET", "  "),
        ("STRIPE_SECRET_KEY", ""),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite:///x"),
        ("SECRET_KEY", ""),
        ("IDENTITY_KEY", ""),
        ("IDENTITY_KEY", "c2hvcnQ="),
        ("PORT", "80000"),
        ("PORT", "８０００"),
        ("LANDFALL_HOLD_SECONDS", "0"),
        ("LANDFALL_ENV", "staging"),
        ("LANDFALL_CLOCK", "tomorrow"),
        ("LANDFALL_CLOCK", "2026-01-01T00:00:00"),
        ("LANDFALL_TARIFF_DIR", "/nonexistent/law"),
        ("SINGLE_WINDOW_RECEIPT_TOKEN", ""),
        ("SINGLE_WINDOW_URL", "ftp://x"),
        ("SINGLE_WINDOW_URL", "file:///nonexistent/drop"),
        ("SINGLE_WINDOW_URL", "file://drop"),
        ("LANDFALL_PARTIES", "/nonexistent.toml"),
        ("SIGNER_PROFILE", "sm2"),
    ],
)
def test_a_fault_is_named_and_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load({**GOOD, name: value})


def test_the_window_may_be_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my drop"
    folder.mkdir()
    assert load({**GOOD, "SINGLE_WINDOW_URL": folder.as_uri()}).single_window_url == folder.as_uri()


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as refusal:
        load({**GOOD, "PORT": "0", "SECRET_KEY": "", "STRIPE_WEBHOOK_SECRET": ""})
    assert all(name in str(refusal.value) for name in ("PORT", "SECRET_KEY", "STRIPE_WEBHOOK_SECRET"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "short"), ("SECRET_KEY", "ab" * 40), ("LANDFALL_CLOCK", "+1d"), ("LANDFALL_TESTING", "1"),
     ("SINGLE_WINDOW_RECEIPT_TOKEN", "short")],
)  # fmt: skip
def test_production_refuses_what_development_allows(name: str, value: str) -> None:
    strong = {"SECRET_KEY": "kJ8#fQ2!mZ7@wX4$vB9%nC5^hL1&pD3*", "SINGLE_WINDOW_RECEIPT_TOKEN": "0123456789abcdefgh"}
    assert load({**GOOD, **strong, "LANDFALL_ENV": "production"}).production
    load({**GOOD, **strong, name: value})
    with pytest.raises(ConfigError, match=name):
        load({**GOOD, **strong, "LANDFALL_ENV": "production", name: value})


def test_secrets_do_not_show_in_the_repr() -> None:
    assert "whsec" not in repr(load(GOOD))


def test_the_env_file_lies_beneath_the_environment(tmp_path: Path) -> None:
    (tmp_path / "landfall.env").write_text("# made on first run\nPORT=8123\nSECRET_KEY=from the file\n")
    config = load({**{k: v for k, v in GOOD.items() if k != "SECRET_KEY"}, "LANDFALL_VAR": str(tmp_path)})
    assert (config.port, config.secret_key) == (8123, "from the file")
    assert load({**GOOD, "LANDFALL_VAR": str(tmp_path), "PORT": "8200"}).port == 8200


def test_clock_settings() -> None:
    assert parse_clock("2026-12-31T15:59:59Z").fixed == datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
    assert parse_clock("-2h").offset == timedelta(hours=-2)
    assert parse_clock("+90").offset == timedelta(seconds=90)
    assert parse_clock("").fixed is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_any_usual_database_url_uses_psycopg_3(scheme: str) -> None:
    assert database_url(f"{scheme}://u:p@h/d") == "postgresql+psycopg://u:p@h/d"
