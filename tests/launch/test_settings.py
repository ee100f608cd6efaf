"""What `make run` decides from the environment, and the file of secrets it keeps."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from launch.settings import (
    LaunchError,
    child_environment,
    make_env,
    read_env_file,
    read_settings,
    write_env_file,
)


def test_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings({})
    assert settings.var == tmp_path / "var"
    assert settings.processes == ("postgres", "stripe", "window", "worker", "web")
    assert settings.listening == {
        "PORT": ("127.0.0.1", 8000),
        "STRIPE_SANDBOX_PORT": ("127.0.0.1", 8420),
        "SINGLE_WINDOW_SANDBOX_PORT": ("127.0.0.1", 8430),
    }


@pytest.mark.parametrize(
    ("variable", "left_out"),
    [
        ("DATABASE_URL", "postgres"),
        ("STRIPE_API_BASE", "stripe"),
        ("STRIPE_SECRET_KEY", "stripe"),
        ("SINGLE_WINDOW_URL", "window"),
    ],
)
def test_what_the_user_brings_is_not_started(variable: str, left_out: str) -> None:
    settings = read_settings({variable: "given"})
    assert left_out not in settings.processes
    assert len(settings.processes) == 4
    values = make_env(settings, {}, None)
    assert variable not in values, "it would outlive the user's own setting"


def test_an_empty_variable_counts_as_none() -> None:
    assert "postgres" in read_settings({"DATABASE_URL": ""}).processes
    assert "DATABASE_URL" not in child_environment(read_settings({"DATABASE_URL": ""}), Path("/bin/python"))


def test_ports_of_parts_left_out_do_not_matter() -> None:
    assert read_settings({"SINGLE_WINDOW_URL": "x", "SINGLE_WINDOW_SANDBOX_PORT": "8000"}).ports["PORT"] == 8000


@pytest.mark.parametrize("port", ["0", "65536", "80a", "-1", "８０００", "1.5"])
def test_a_bad_port_is_named(port: str) -> None:
    with pytest.raises(LaunchError, match="STRIPE_SANDBOX_PORT must be a port"):
        read_settings({"STRIPE_SANDBOX_PORT": port})


def test_one_port_for_two_is_named() -> None:
    with pytest.raises(LaunchError, match="STRIPE_SANDBOX_PORT and PORT are both 8420"):
        read_settings({"PORT": "8420"})


def test_secrets_are_made_once(tmp_path: Path) -> None:
    settings = read_settings({})
    write_env_file(tmp_path, make_env(settings, read_env_file(tmp_path), "postgresql+psycopg://first"))
    first = read_env_file(tmp_path)
    write_env_file(tmp_path, make_env(settings, first, "postgresql+psycopg://second"))
    second = read_env_file(tmp_path)
    assert second.pop("DATABASE_URL") == "postgresql+psycopg://second"
    assert first.pop("DATABASE_URL") == "postgresql+psycopg://first"
    assert first == second
    assert len(base64.b64decode(first["IDENTITY_KEY"], validate=True)) == 32
    assert len(first["SECRET_KEY"]) >= 32
    assert stat.S_IMODE((tmp_path / "landfall.env").stat().st_mode) == 0o600


def test_two_installations_share_no_secret() -> None:
    one, other = (make_env(read_settings({}), {}, None) for _ in range(2))
    for name in ("SECRET_KEY", "IDENTITY_KEY", "SINGLE_WINDOW_RECEIPT_TOKEN", "STRIPE_SECRET_KEY"):
        assert one[name] != other[name]


def test_addresses_follow_the_ports() -> None:
    settings = read_settings({"PORT": "9000", "STRIPE_SANDBOX_PORT": "9001", "SINGLE_WINDOW_SANDBOX_PORT": "9002"})
    values = make_env(settings, {"STRIPE_API_BASE": "http://old"}, None)
    assert values["STRIPE_API_BASE"] == "http://127.0.0.1:9001"
    assert values["SINGLE_WINDOW_URL"] == "http://127.0.0.1:9002/cebcmsg"
    assert settings.web_url == "http://127.0.0.1:9000"
    assert read_settings({"HOST": "0.0.0.0"}).web_url == "http://127.0.0.1:8000"
