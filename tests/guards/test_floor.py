"""The law stands on a pure floor: asked in a fresh interpreter, it loads no framework, no database, no clock."""

import subprocess
import sys

import pytest

FORBIDDEN = ("flask", "sqlalchemy", "werkzeug", "marshmallow", "psycopg", "core.clock", "core.config", "core.database",
             "requests", "stripe", "socket")  # fmt: skip


@pytest.mark.parametrize("package", ["customs.tariff", "customs.duty"])
def test_the_law_imports_nothing_but_the_pure_floor(package: str) -> None:
    program = (
        f"import sys, pkgutil, importlib, {package} as room\n"
        "for part in pkgutil.walk_packages(room.__path__, room.__name__ + '.'): importlib.import_module(part.name)\n"
        f"print([name for name in {FORBIDDEN!r} if name in sys.modules])\n"
        "print(sorted(n for n in sys.modules if n.startswith(('core.', 'customs.', 'catalog', 'shop'))))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    frameworks, own = answer.stdout.splitlines()
    assert frameworks == "[]" or frameworks == "['socket']"  # NumPy itself may touch socket
    allowed = ("customs.tariff", "customs.duty", "core.money", "core.periods", "core.errors")
    foreign = [name for name in eval(own) if not name.startswith(allowed)]
    assert foreign == []
