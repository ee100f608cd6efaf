"""A small law of the test's own."""

from pathlib import Path

import pytest

from tests.customs.editions.small_law import write_small_law


@pytest.fixture
def law(tmp_path: Path) -> Path:
    return write_small_law(tmp_path / "law")
