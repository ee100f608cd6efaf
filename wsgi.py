"""What gunicorn and `flask --app wsgi` load."""

import os

from shop.app import create_app

# A command such as `flask db upgrade` must start on an unmigrated database; a server must not.
app = create_app(check_database=os.environ.get("FLASK_RUN_FROM_CLI") != "true")
