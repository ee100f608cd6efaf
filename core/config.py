"""Settings, read once from the environment and checked before anything starts.

`$LANDFALL_VAR/landfall.env` (written by `make run`) gives defaults beneath the real environment, so that a command in a
second shell talks to the running system. The variables and their meaning are a public contract: docs/running.md.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from core import smtp_url

_OFFSET = re.compile(r"([+-])(\d{1,9})([smhd]?)\Z")
PAYMENT_DATA_PATH = "/ceb2grab/grab/realTimeDataUpload"
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class ConfigError(Exception):
    """The settings do not allow a start; the message lists every fault, one a line."""


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """Either a fixed instant or an offset to the system clock (both for tests and rehearsals only)."""

    fixed: datetime | None = None
    offset: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings with their meaning; secrets never appear in its repr."""

    env: str
    var: Path
    port: int
    database_url: str
    replica_url: str | None
    secret_key: str
    identity_key: bytes
    stripe_api_base: str
    stripe_secret_key: str
    stripe_publishable_key: str
    stripe_webhook_secret: str
    single_window_url: str
    receipt_token: str
    require_signed_receipts: bool
    parties_file: Path | None
    trusted_cert_file: Path | None
    signer_url: str | None
    signer_cert_no: str | None
    tariff_dir: Path
    clock: ClockSetting
    hold_seconds: int
    ray_address: str | None
    smtp_url: str | None
    public_url: str
    testing: bool = False
    payout_days: int | None = None
    stripe_connect_secret: str = ""
    receiving_account: str | None = None
    payment_data_url: str | None = None
    payment_data_key: str | None = None
    identity_keys_old: tuple[bytes, ...] = ()
    signer_profile: str = "rsa-sha1"
    mend_hours: int = 24
    mend_rejected: bool = False
    account_book_url: str | None = None

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def payment_data_address(self) -> str | None:
        """Where payment data is uploaded: as set, or at the host of the single window; None behind a file drop."""
        if self.payment_data_url or not self.single_window_url.startswith("http"):
            return self.payment_data_url
        return urljoin(self.single_window_url, PAYMENT_DATA_PATH)

    @property
    def payment_data_secret(self) -> str:
        """What customs shows when it asks for payment data: as set, or the token of the receipts."""
        return self.payment_data_key or self.receipt_token

    def __repr__(self) -> str:
        return f"Config(env={self.env!r}, var={str(self.var)!r}, port={self.port})"


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; blank lines and `#` comments skipped. A missing file is an empty one."""
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def parse_clock(text: str) -> ClockSetting:
    """`2026-12-31T15:59:59Z` fixes the instant; `+3600`, `-2h`, `+1d` shift it. Raises ValueError otherwise."""
    if not text or text == "system":
        return ClockSetting()
    match = _OFFSET.match(text)
    if match:
        seconds = int(match[2]) * _UNIT_SECONDS[match[3]]
        return ClockSetting(offset=timedelta(seconds=seconds if match[1] == "+" else -seconds))
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the instant needs a time zone, such as 2026-12-31T15:59:59Z")
    return ClockSetting(fixed=instant.astimezone(UTC))


class _Reader:
    """Collects every fault instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, default)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        raw = self.text(name, str(default))
        if raw.isascii() and raw.isdigit() and low <= int(raw) <= high:
            return int(raw)
        self.faults.append(f"{name}: must be a whole number from {low} to {high}, not {raw!r}")
        return default

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        raw = self.text(name)
        if urlsplit(raw).scheme not in schemes:
            self.faults.append(f"{name}: must be a URL of {' or '.join(schemes)}")
        return raw

    def window(self) -> str:
        """An address, or `file:///...`: the folder shared with a transfer client."""
        raw = self.url("SINGLE_WINDOW_URL", ("http", "https", "file"))
        parts = urlsplit(raw)
        if parts.scheme == "file" and (parts.netloc or not Path(unquote(parts.path)).is_dir()):
            self.faults.append(f"SINGLE_WINDOW_URL: no folder at {parts.path or raw}; three slashes and a whole path")
        return raw

    def flag(self, name: str) -> bool:
        raw = self.text(name, "0").lower()
        if raw not in ("0", "1", "true", "false", "on", "off", "yes", "no", ""):
            self.faults.append(f"{name}: must be 1 or 0")
        return raw in ("1", "true", "on", "yes")

    def file(self, name: str) -> Path | None:
        raw = self.text(name)
        if not raw:
            return None
        if not Path(raw).is_file():
            self.faults.append(f"{name}: no file at {raw}")
        return Path(raw)

    def smtp(self) -> str | None:
        """None is the console."""
        raw = self.text("SMTP_URL", "console")
        if raw in ("", "console"):
            return None
        try:
            smtp_url.parse(raw)
        except ValueError as fault:
            self.faults.append(f"SMTP_URL: {fault}")
        return raw

    def clock(self) -> ClockSetting:
        try:
            return parse_clock(self.text("LANDFALL_CLOCK"))
        except ValueError as fault:
            self.faults.append(f"LANDFALL_CLOCK: {fault}")
            return ClockSetting()

    def identity_key(self) -> bytes:
        key = _key(self.text("IDENTITY_KEY"))
        if len(key) != 32:
            self.faults.append(
                "IDENTITY_KEY: must be 32 random bytes in base64 (identity numbers are encrypted with it)"
            )
        return key

    def identity_keys_old(self) -> tuple[bytes, ...]:
        """The keys before, by commas: what is sealed under them still opens."""
        found = tuple(_key(part.strip()) for part in self.text("IDENTITY_KEYS_OLD").split(",") if part.strip())
        if any(len(key) != 32 for key in found):
            self.faults.append("IDENTITY_KEYS_OLD: must be former values of IDENTITY_KEY, separated by commas")
        return found


def _key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def database_url(raw: str) -> str:
    """Any usual PostgreSQL URL, made to use psycopg 3."""
    return re.sub(r"^postgres(?:ql)?(?:\+\w+)?://", "postgresql+psycopg://", raw)


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read and check all settings. Raises ConfigError with every fault."""
    given = dict(os.environ if environ is None else environ)
    var = Path(given.get("LANDFALL_VAR", "var")).absolute()
    read = _Reader({**read_env_file(var / "landfall.env"), **given})
    port = read.number("PORT", 8000, 1, 65535)
    tariff_dir = read.text("LANDFALL_TARIFF_DIR")
    config = Config(
        env=read.text("LANDFALL_ENV", "development"),
        var=var,
        port=port,
        database_url=database_url(read.url("DATABASE_URL", ("postgresql", "postgres", "postgresql+psycopg"))),
        replica_url=database_url(replica) if (replica := read.text("DATABASE_REPLICA_URL")) else None,
        secret_key=read.text("SECRET_KEY"),
        identity_key=read.identity_key(),
        stripe_api_base=read.url("STRIPE_API_BASE", ("http", "https"))
        if read.text("STRIPE_API_BASE")
        else "https://api.stripe.com",
        stripe_secret_key=read.text("STRIPE_SECRET_KEY"),
        stripe_publishable_key=read.text("STRIPE_PUBLISHABLE_KEY", "pk_test_landfall"),
        stripe_webhook_secret=read.text("STRIPE_WEBHOOK_SECRET"),
        single_window_url=read.window(),
        receipt_token=read.text("SINGLE_WINDOW_RECEIPT_TOKEN"),
        require_signed_receipts=read.flag("SINGLE_WINDOW_REQUIRE_SIGNED"),
        parties_file=read.file("LANDFALL_PARTIES"),
        trusted_cert_file=read.file("SINGLE_WINDOW_TRUSTED_CERT"),
        signer_url=read.text("SIGNER_URL") or None,
        signer_cert_no=read.text("SIGNER_CERT_NO") or None,
        tariff_dir=Path(tariff_dir) if tariff_dir else Path(__file__).parent.parent / "customs" / "data",
        clock=read.clock(),
        hold_seconds=read.number("LANDFALL_HOLD_SECONDS", 600, 1, 86400),
        ray_address=read.text("LANDFALL_RAY_ADDRESS") or None,
        smtp_url=read.smtp(),
        public_url=read.text("LANDFALL_PUBLIC_URL", f"http://127.0.0.1:{port}"),
        testing=read.flag("LANDFALL_TESTING"),
        payout_days=read.number("LANDFALL_PAYOUT_DAYS", 0, 0, 3650) if read.text("LANDFALL_PAYOUT_DAYS") else None,
        stripe_connect_secret=read.text("STRIPE_CONNECT_WEBHOOK_SECRET"),
        receiving_account=read.text("LANDFALL_RECEIVING_ACCOUNT") or None,
        payment_data_url=read.url("PAYMENT_DATA_URL", ("http", "https")) if read.text("PAYMENT_DATA_URL") else None,
        payment_data_key=read.text("PAYMENT_DATA_KEY") or None,
        identity_keys_old=read.identity_keys_old(),
        signer_profile=read.text("SIGNER_PROFILE") or "rsa-sha1",
        mend_hours=read.number("LANDFALL_MEND_HOURS", 24, 0, 720),
        mend_rejected=read.flag("LANDFALL_MEND_REJECTED"),
        account_book_url=read.url("ACCOUNT_BOOK_URL", ("http", "https")) if read.text("ACCOUNT_BOOK_URL") else None,
    )
    faults = read.faults + _faults(config)
    if faults:
        raise ConfigError("Landfall does not start:\n" + "\n".join(f"  {fault}" for fault in faults))
    return config


def load_offline() -> Config:
    """Settings for a command that asks neither the database nor anybody else: what is missing is made up for it."""
    var = Path(os.environ.get("LANDFALL_VAR", "var")).absolute()
    nowhere = "http://127.0.0.1:9"
    made_up = {
        "DATABASE_URL": "postgresql://offline@127.0.0.1:9/offline",
        "SINGLE_WINDOW_URL": nowhere,
        "STRIPE_API_BASE": nowhere,
        "IDENTITY_KEY": base64.b64encode(os.urandom(32)).decode(),
        **dict.fromkeys(
            ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "SINGLE_WINDOW_RECEIPT_TOKEN"),
            os.urandom(32).hex(),
        ),
    }
    return load({**made_up, **read_env_file(var / "landfall.env"), **os.environ})


def _faults(config: Config) -> list[str]:
    checks = [
        (config.env in ("development", "production", "test"), "LANDFALL_ENV: development, test or production"),
        (
            config.stripe_webhook_secret.strip(),
            "STRIPE_WEBHOOK_SECRET: missing, a forged notice could pass for paid",
        ),
        (config.stripe_secret_key, "STRIPE_SECRET_KEY: missing"),
        (config.receipt_token, "SINGLE_WINDOW_RECEIPT_TOKEN: missing, anybody could send customs receipts"),
        (config.secret_key, "SECRET_KEY: missing"),
        (config.signer_profile in ("rsa-sha1", "sm2-sm3"), "SIGNER_PROFILE: rsa-sha1 or sm2-sm3"),
        (config.tariff_dir.is_dir(), f"LANDFALL_TARIFF_DIR: no folder at {config.tariff_dir}"),
    ]
    if config.production:
        moved = config.clock != ClockSetting()
        checks += [
            (_strong(config.secret_key), "SECRET_KEY: in production at least 32 characters, not a repeated pattern"),
            (len(config.receipt_token) >= 16, "SINGLE_WINDOW_RECEIPT_TOKEN: in production at least 16 characters"),
            (len(config.payment_data_secret) >= 16, "PAYMENT_DATA_KEY: in production at least 16 characters"),
            (not moved, "LANDFALL_CLOCK: refused in production"),
            (not config.testing, "LANDFALL_TESTING: refused in production"),
            (os.environ.get("FLASK_DEBUG", "0") in ("", "0"), "FLASK_DEBUG: refused in production"),
        ]
    return [text for holds, text in checks if not holds]


def _strong(secret: str) -> bool:
    return len(secret) >= 32 and len(set(secret)) >= 12


_current: list[Config] = []


def use(config: Config) -> None:
    """Make `config` the settings of this process; called once by the application factory."""
    _current[:] = [config]


def current() -> Config:
    """The settings of this process. Raises LookupError before the application exists."""
    if not _current:
        raise LookupError("no application has been created yet")
    return _current[0]
