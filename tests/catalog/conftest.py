"""An application context, sellers and places for the catalogue's tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import g
from flask.testing import FlaskClient

from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller


@pytest.fixture
def context(app: Any, database_url: str) -> Iterator[None]:
    """The application context that services need."""
    with app.app_context():
        yield
        db.session.remove()


class FreshClient(FlaskClient):
    """Requests that share the test's application context must not share what `g` remembers of the one before."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        vars(g._get_current_object()).clear()
        return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Any, context: None) -> FlaskClient:
    return FreshClient(app, app.response_class)


@pytest.fixture
def seller(context: None) -> Seller:
    return builders.admit()


@pytest.fixture
def other_seller(context: None) -> Seller:
    return builders.admit()


@pytest.fixture
def operator(context: None) -> dict[str, str]:
    return builders.bearer(builders.open_account("operator"))


@pytest.fixture
def bonded(context: None) -> uuid.UUID:
    return builders.warehouse("1210")


@pytest.fixture
def store(context: None) -> uuid.UUID:
    return builders.warehouse("0110")
