"""Sealed rows, and settings whose keys change as an operator changes them."""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from core import config
from core.database import db


@pytest.fixture(autouse=True)
def _context(app: Any) -> Iterator[None]:
    with app.app_context():
        yield
        db.session.remove()


@pytest.fixture
def use_keys(settings: Any) -> Iterator[Callable[..., None]]:
    """use_keys(new, old, ...): IDENTITY_KEY and IDENTITY_KEYS_OLD of this process from now on."""

    def use(present: bytes, *old: bytes) -> None:
        config.use(replace(settings, identity_key=present, identity_keys_old=old))

    yield use
    config.use(settings)


@pytest.fixture
def fresh_key() -> bytes:
    return os.urandom(32)


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()
