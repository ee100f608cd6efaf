"""The desk with a transfer client instead of a window."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import config
from customs.window.dxp.drop import prepare
from tests.customs.desk import builders
from tests.customs.window.dxp.transfer_client import TransferClient


@pytest.fixture
def client(app: Any, settings: Any, tmp_path: Path) -> Iterator[TransferClient]:
    prepare(tmp_path)
    config.use(replace(settings, single_window_url=tmp_path.as_uri()))
    with app.app_context():
        yield TransferClient(tmp_path, builders.PARTIES.dxp_id)
    config.use(settings)
