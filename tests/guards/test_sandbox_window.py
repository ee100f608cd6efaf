"""The sandbox window shares the tables of message fields and the law's tables as files, and no code of the house."""

import subprocess
import sys

ALLOWED_TABLES = ("customs/window/tables", "customs/data/positive_list.csv")


def test_the_window_loads_nothing_of_the_house() -> None:
    program = (
        "import sys, pkgutil, importlib, sandboxes.window as room\n"
        "for part in pkgutil.walk_packages(room.__path__, room.__name__ + '.'): importlib.import_module(part.name)\n"
        "print(len([name for name in sys.modules if name.startswith('sandboxes.window.')]))\n"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('core', 'customs', 'catalog', 'shop', 'launch')))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded, foreign = answer.stdout.splitlines()
    assert int(loaded) > 20
    assert foreign == "[]"


def test_the_window_reads_no_other_file_of_the_house() -> None:
    """Every file the window opens while it takes an order in, as the interpreter tells it."""
    program = (
        "import sys, tempfile, pathlib\n"
        "opened = []\n"
        "sys.addaudithook(lambda name, given: opened.append(str(given[0])) if name == 'open' else None)\n"
        "from sandboxes.window import layout, limits, positive, taxes, words\n"
        "layout.layouts(), layout.common(), limits.limits_on('20260101'), words.say('zh')('kind', '621')\n"
        "taxes._rates(), positive.absences({'declTime': '1', 'tradeMode': '1', 'lines': [{'gnum': '1', 'gcode': '1'}]},"
        " positive.TABLE)\n"
        "root = pathlib.Path(positive.__file__).parents[2]\n"
        "for name in opened:\n"
        "    path = pathlib.Path(name)\n"
        "    if path.is_absolute() and path.is_relative_to(root) and path.suffix not in ('.py', '.pyc'):\n"
        "        print(path.relative_to(root))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    files = {name for name in answer.stdout.split() if not name.startswith((".venv", "sandboxes/window"))}
    assert files
    assert all(name.startswith(ALLOWED_TABLES) for name in files), files
