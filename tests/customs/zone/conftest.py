"""A bonded zone under test: an admitted merchant with goods in the catalogue, a warehouse with an account book."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.database import db
from tests.catalog.conftest import FreshClient
from tests.customs.desk.conftest import _noon, window
from tests.customs.zone.builders import Zone, open_zone

__all__ = ["_noon", "window"]


@pytest.fixture
def context(app: Any, database_url: str) -> Iterator[None]:
    with app.app_context():
        yield
        db.session.remove()


@pytest.fixture
def zone(context: None) -> Zone:
    return open_zone()


@pytest.fixture
def client(app: Any, context: None) -> FreshClient:
    return FreshClient(app, app.response_class)
