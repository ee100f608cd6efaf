"""The terms of the market place, read from one file: whoever sells, sells under these."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from catalog import ranking


@functools.cache
def text() -> dict[str, Any]:
    """{rules, fees, ranking}: there is no field for a merchant, so there cannot be terms for one."""
    terms = tomllib.loads((Path(__file__).parent / "policy.toml").read_text("utf-8"))
    return {"rules": terms["rule"], "fees": terms["fee"], "ranking": ranking.RULE}
