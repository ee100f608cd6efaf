"""What gunicorn and `flask --app wsgi` load."""

import os
from pathlib import Path

from core.embedded_postgres import serve_until_exit
from shop.app import create_app

_command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
if _command and "DATABASE_URL" not in os.environ:
    # A command while `make run` is down starts the embedded server for itself and stops it at its end.
    serve_until_exit(Path(os.environ.get("LANDFALL_VAR", "var")).absolute())

# A command such as `flask db upgrade` must start on an unmigrated database; a server must not.
app = create_app(check_database=not _command)
