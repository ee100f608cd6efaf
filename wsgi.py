"""What gunicorn and `flask --app wsgi` load."""

import os
import sys
from pathlib import Path

from core import config
from core.embedded_postgres import serve_until_exit
from shop.app import create_app

# Commands that work on files alone: on a fresh checkout, with no database and no secrets.
_OFFLINE = ({"tariff"}, {"duty"}, {"window", "sign"}, {"window", "verify"}, {"window", "schemas"})
_command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
_offline = _command and any(words <= set(sys.argv[1:]) for words in _OFFLINE)
if _command and not _offline and "DATABASE_URL" not in os.environ:
    # A command while `make run` is down starts the embedded server for itself and stops it at its end.
    serve_until_exit(Path(os.environ.get("LANDFALL_VAR", "var")).absolute())

# A command such as `flask db upgrade` must start on an unmigrated database; a server must not.
app = create_app(config.load_offline() if _offline else None, check_database=not _command)
