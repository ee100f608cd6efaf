"""Ten-line tests that keep a habit."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "customs", "catalog", "shop")


def sources(*rooms: str) -> Iterator[Path]:
    for room in rooms or ROOMS:
        yield from (ROOT / room).rglob("*.py")


def test_the_import_line_is_straight() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    answer = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_money_is_never_a_float() -> None:
    """No call of float() and no float literal where duty and money are computed."""
    pure = [ROOT / "customs" / "duty", ROOT / "customs" / "tariff"]
    files = [path for folder in pure for path in folder.rglob("*.py")]
    files += [ROOT / "core" / "money.py", *(ROOT / "shop").glob("*.py")]
    found = []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_only_the_clock_reads_the_system_clock() -> None:
    """Law and orders ask core.clock, so that a test or a rehearsal can move it."""
    pattern = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(")
    found = [str(path.relative_to(ROOT)) for path in sources() if pattern.search(path.read_text())]
    assert found == ["core/clock.py"]


def test_services_do_not_touch_the_request() -> None:
    edges = (
        "/api/",
        "/pages/",
        "core/web.py",
        "core/light.py",
        "core/idempotency.py",
        "shop/app.py",
        "shop/observation.py",
    )
    found = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        if not any(edge in name for edge in edges) and re.search(
            r"from flask import [^\n]*\brequest\b", path.read_text()
        ):
            found.append(name)
    assert found == []


def test_no_file_names_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pattern = re.compile(r"(?<![\w.$}])/(?:work|root|home)/\w|/shared/(?:data|codes)")
    texts = (name for name in listed if name.endswith((".py", ".md", ".toml", ".txt", ".sh", ".html", ".cfg", ".in")))
    here = str(Path(__file__).relative_to(ROOT))
    there = [name for name in texts if name != here and (ROOT / name).is_file()]
    found = [name for name in there if pattern.search((ROOT / name).read_text(errors="replace"))]
    assert found == []
