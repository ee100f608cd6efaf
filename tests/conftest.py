"""One real PostgreSQL for the whole run, one database for each worker, emptied after each test that used it.

Tests commit for real, since what they check is what other connections see; so nothing is rolled back, it is deleted.
The server and every file of a run live in a temporary folder, never in a developer's LANDFALL_VAR.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from core.embedded_postgres import serving
from core.postgres_cluster import Cluster, locate
from tests.databases import Cleaner, Databases

_run = ExitStack()
# What a developer has set for a running system must not reach the tests.
_OURS = ("LANDFALL_", "STRIPE_", "SINGLE_WINDOW_", "DATABASE_", "SIGNER_", "SMTP_", "FLASK_", "PROMETHEUS_")
_ALSO_OURS = ("PORT", "HOST", "SECRET_KEY", "IDENTITY_KEY")


def pytest_configure(config: pytest.Config) -> None:
    for name in list(os.environ):
        if name.startswith(_OURS) or name in _ALSO_OURS:
            del os.environ[name]
    given = getattr(config, "workerinput", {}).get("landfall_var")
    os.environ["LANDFALL_VAR"] = given or str(_temporary_var())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The controller of a parallel run is the server's parent: it is there before and after every worker."""
    var = Path(os.environ["LANDFALL_VAR"])
    if locate(var) is None:
        _run.enter_context(serving(var, _FAST))
    node.workerinput["landfall_var"] = str(var)


def pytest_unconfigure(config: pytest.Config) -> None:
    _run.close()


# A test server may lose everything when the machine stops; what a killed server keeps is tested in tests/core.
_FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "max_connections": "200"}


def _temporary_var() -> Path:
    var = Path(tempfile.mkdtemp(prefix="landfall-test-"))
    var.chmod(0o711)  # under root the server runs as another user, who must be able to walk in
    _run.callback(shutil.rmtree, var, ignore_errors=True)
    return var


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The running server of this test run."""
    with serving(Path(os.environ["LANDFALL_VAR"]), _FAST) as running:
        yield running


@pytest.fixture(scope="session")
def databases(cluster: Cluster) -> Databases:
    """Makes and drops databases, empty or migrated."""
    return Databases(cluster)


@pytest.fixture(scope="session")
def database_url(databases: Databases) -> Iterator[str]:
    """A database of this worker's own with the real schema; see `_clean_tables` for its state between tests."""
    with databases.migrated() as url:
        yield url


@pytest.fixture(scope="session")
def _cleaner(database_url: str, cluster: Cluster) -> Iterator[Cleaner]:
    with Cleaner(cluster, database_url) as cleaner:
        yield cleaner


@pytest.fixture(autouse=True)
def _clean_tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that used the database, every table is again as the migrations left it."""
    if "database_url" not in request.fixturenames:
        yield
        return
    cleaner: Cleaner = request.getfixturevalue("_cleaner")
    yield
    cleaner.clean()


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    """A test that makes an application of its own leaves the others' settings as they were."""
    from core import config

    before = list(config._current)
    yield
    config._current[:] = before or config._current


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The settings of the application under test; each worker keeps its files in a folder of its own."""
    from core import config

    return config.load(
        {
            "LANDFALL_ENV": "test",
            "LANDFALL_TESTING": "1",
            "LANDFALL_VAR": str(tmp_path_factory.mktemp("var")),
            "DATABASE_URL": database_url,
            "SECRET_KEY": "a secret of the tests, 32 characters",
            "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "STRIPE_API_BASE": "http://127.0.0.1:9",
            "STRIPE_SECRET_KEY": "sk_test_of_the_tests",
            "STRIPE_WEBHOOK_SECRET": "whsec_of_the_tests",
            "SINGLE_WINDOW_URL": "http://127.0.0.1:9/cebcmsg",
            "SINGLE_WINDOW_RECEIPT_TOKEN": "receipt-token-of-the-tests",
        }
    )


@pytest.fixture(scope="session")
def app(settings: Any) -> Any:
    """The whole application on this worker's database."""
    from shop.app import create_app

    return create_app(settings)


@pytest.fixture
def client(app: Any) -> Any:
    """A fresh test client: no cookies from another test."""
    return app.test_client()
