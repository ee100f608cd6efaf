"""One head, names that sort, up and down and up again, and models that match the tables."""

import re
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, text

from core.config import load
from core.database import db

ROOT = Path(__file__).parents[2]


def _scripts() -> ScriptDirectory:
    options = Config()
    options.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(options)


def test_one_head_and_names_that_sort() -> None:
    scripts = _scripts()
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        stem = Path(script.path).stem
        assert re.match(r"\d{4}_[a-z]+(_[a-z]+)+$", stem)
        assert script.revision == stem


def _differs(connection: Any) -> list[Any]:
    ours = {
        "compare_type": True,
        "include_object": lambda _o, name, kind, _r, _c: not (name or "").startswith("procra"),
    }
    return compare_metadata(MigrationContext.configure(connection, opts=ours), db.metadata)


def test_models_match_the_migrated_tables(app: Any, database_url: str) -> None:
    with app.app_context(), db.engine.connect() as connection:
        assert _differs(connection) == []


def test_up_down_up(app: Any, databases: Any) -> None:
    from shop.app import create_app

    with databases.empty() as url:
        before = load(_environment(url))
        fresh = create_app(before)
        with fresh.app_context():
            upgrade()
            downgrade(revision="base")
            with create_engine(url).connect() as connection:
                left = connection.scalars(
                    text(
                        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
                    )
                ).all()
                functions = connection.scalars(
                    text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prolang <> 13")
                ).all()
            assert (left, [name for name in functions if not name.startswith("vector")]) == ([], [])
            upgrade()
            db.engine.dispose()
    create_app(_settings_of(app))


def _environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": "a secret of the tests, 32 characters",
        "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "STRIPE_SECRET_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
        "SINGLE_WINDOW_URL": "http://127.0.0.1:9/cebcmsg",
        "SINGLE_WINDOW_RECEIPT_TOKEN": "a token",
    }


def _settings_of(app: Any) -> Any:
    from core import config

    url = app.config["SQLALCHEMY_DATABASE_URI"]
    return config.load({**_environment(url), "LANDFALL_TESTING": "1"})
