"""The composition root: settings, law, database and the rooms of every floor joined into one application."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, render_template
from flask_security import Security
from flask_smorest import Api
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from marshmallow import Schema, fields
from sqlalchemy import select

from catalog import bonded, merchants, sellers
from catalog.api import acting
from catalog.models import Merchant
from core import clock, config, connections, light, web
from core.accounts import datastore
from core.config import Config, ConfigError
from core.database import db, migrate
from core.errors import Problem
from customs import edition, filing_documents, identity_hash, parties_check
from customs.payment_data import source
from customs.payment_port import keeping
from customs.reports import access
from customs.window.parties import ROLES, PartiesInvalid
from customs.zone_stock.floors import floors
from shop import bonded_orders, observation, pages, payment_data

csrf = CSRFProtect()

_CONTENT_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "style-src": "'self' 'unsafe-inline'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'self'",
}
ROOMS = ("customs", "catalog", "shop")


def create_app(settings: Config | None = None, *, check_database: bool = False) -> Flask:
    """Build the application. Raises ConfigError when settings or law do not allow a start."""
    settings = settings or config.load()
    config.use(settings)
    clock.set_clock(settings.clock)
    _configure_logging(settings)
    app = Flask("shop", root_path=str(Path(__file__).parent), template_folder="templates", static_folder="static")
    app.config.update(_flask_settings(settings))
    db.init_app(app)
    migrate.init_app(app, db, render_as_batch=False)
    with app.app_context():
        connections.use(db.engine)
    _load_law(settings)
    _check_parties()
    _secure(app, settings)
    api = _openapi(app)
    for room in ROOMS:
        _join(app, api, room)
    pages.init_app(app)
    _introduce()
    web.init_app(app, _page_error)
    acting.init_app(app)
    web.open_library_views(app, "static", "bootstrap.", "security.", "api-docs.")
    observation.init_app(app)
    rooms = [blueprint.name for room in ROOMS for blueprint in importlib.import_module(f"{room}.api").blueprints]
    light.init_app(app, rooms, (*web.HOOKS, acting.ask), secure=settings.public_url.startswith("https://"))
    if check_database:
        _check_database(app)
    return app


def _flask_settings(settings: Config) -> dict[str, Any]:
    local = settings.public_url.startswith("http://")
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": 10,
            "max_overflow": 0,
            "pool_timeout": 2,  # an exhausted pool answers 503 quickly instead of hanging (F9)
            "pool_pre_ping": False,
            "connect_args": {"connect_timeout": 5, "application_name": "landfall"},
        },
        "TESTING": settings.testing,
        "SECURITY_PASSWORD_SALT": settings.secret_key,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_REGISTERABLE": False,
        "SECURITY_RECOVERABLE": False,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "SECURITY_LOGIN_URL": "/login",
        "SECURITY_LOGOUT_URL": "/logout",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": not local,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_HEADERS_ENABLED": True,
        "API_TITLE": "Landfall",
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": web.API_PREFIX,
        "OPENAPI_JSON_PATH": "openapi.json",
        "BABEL_DEFAULT_LOCALE": "zh",
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


def _load_law(settings: Config) -> None:
    try:
        edition.load(settings.tariff_dir)
    except ValueError as faults:
        raise ConfigError(f"Landfall does not start, the law in {settings.tariff_dir} has faults:\n{faults}") from None


def _check_parties() -> None:
    """A parties file that customs would refuse stops the start, not the first filing."""
    try:
        own = filing_documents.parties()
        keeping.declarer()
    except (PartiesInvalid, ValueError) as faults:
        raise ConfigError(f"Landfall does not start, LANDFALL_PARTIES has faults:\n{faults}") from None
    for role in ROLES:
        if not getattr(own, role).registered_on(clock.today()):
            structlog.get_logger().warning("registration_over", role=role)


def _secure(app: Flask, settings: Config) -> None:
    # API calls carry a bearer token, never a cookie, so they are outside CSRF; pages are inside.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf.init_app(app)
    app.before_request(lambda: None if web.is_api() else csrf.protect())
    Security(app, datastore)
    web.limiter.init_app(app)
    Talisman(
        app,
        force_https=settings.public_url.startswith("https://"),
        strict_transport_security=settings.public_url.startswith("https://"),
        content_security_policy=_CONTENT_POLICY,
        content_security_policy_nonce_in=["script-src"],
        session_cookie_secure=settings.public_url.startswith("https://"),
    )


class ProblemSchema(Schema):
    """RFC 9457, application/problem+json."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))


class OpenApi(Api):
    """The specification says errors as we answer them."""

    ERROR_SCHEMA = ProblemSchema


def _openapi(app: Flask) -> Api:
    api = OpenApi(app)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    return api


def _join(app: Flask, api: Api, room: str) -> None:
    """Each floor lists its own blueprints and commands; this is the one place that hangs them in."""
    for blueprint in importlib.import_module(f"{room}.api").blueprints:
        api.register_blueprint(blueprint)
    for name in ("commands", "cli"):
        if importlib.util.find_spec(f"{room}.{name}"):
            for command in importlib.import_module(f"{room}.{name}").commands:
                app.cli.add_command(command)


def _page_error(problem: Problem) -> tuple[str, int]:
    """A refusal for people; the same words the API gives."""
    return render_template("error.html", problem=problem), problem.status


def _introduce() -> None:
    """Tell the lower floors what only a higher one knows: who acts for which merchant, how an order was paid."""
    source.provide(payment_data.original_of)
    parties_check.sellers = lambda: sellers.sellers(db.session())
    access.merchant_of = lambda account_id: merchants.merchant_of(db.session(), account_id)
    access.merchant_name = lambda merchant_id: db.session.scalar(
        select(Merchant.registered_name).where(Merchant.id == merchant_id)
    )
    floors.stock, floors.orders = bonded.BondedLots(), bonded_orders.BondedOrders()


def _check_database(app: Flask) -> None:
    """Refuse to serve on an unreachable or unmigrated database, or without the key of its identities."""
    with app.app_context():
        fault = observation.database_fault() or identity_hash.fault()
    if fault:
        raise ConfigError(f"Landfall does not start: {fault}")


def _configure_logging(settings: Config) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=not settings.testing,
    )
