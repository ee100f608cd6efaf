"""Start the sandbox window: `python -m sandboxes.window`."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from werkzeug.serving import make_server

from sandboxes.window.app import create_app
from sandboxes.window.clock import Clock, offset_of
from sandboxes.window.delivery import Delivery
from sandboxes.window.desk import Desk
from sandboxes.window.journal import Journal
from sandboxes.window.officers import Officers
from sandboxes.window.outbox import Outbox
from sandboxes.window.signing import Seal, Trust
from sandboxes.window.store import Store

PORT_VARIABLE = "SINGLE_WINDOW_SANDBOX_PORT"


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line over environment over defaults."""
    env = os.environ.get
    var = env("LANDFALL_VAR", "var")
    receipts = f"http://127.0.0.1:{env('PORT', '8000')}/api/v1/customs/receipts"
    parser = argparse.ArgumentParser(prog="python -m sandboxes.window", description=__doc__)
    parser.add_argument("--port", type=int, default=int(env(PORT_VARIABLE, "8430")), help=PORT_VARIABLE)
    parser.add_argument("--receipts-url", default=env("SINGLE_WINDOW_SANDBOX_RECEIPTS_URL", receipts))
    parser.add_argument("--token", default=env("SINGLE_WINDOW_RECEIPT_TOKEN", ""), help="bearer token of the receipts")
    parser.add_argument("--journal", type=Path, default=Path(env("SINGLE_WINDOW_SANDBOX_JOURNAL", f"{var}/window")))
    trusted = env("SINGLE_WINDOW_SANDBOX_TRUSTED_CERT")
    parser.add_argument(
        "--trusted-cert",
        type=Path,
        default=Path(trusted) if trusted else None,
        help="PEM file of the certificates whose signatures are taken; without it any certificate is",
    )
    parser.add_argument("--sign", action="store_true", default=env("SINGLE_WINDOW_SANDBOX_SIGN", "") == "1")
    parser.add_argument("--pace", type=float, default=float(env("SINGLE_WINDOW_SANDBOX_PACE", "0.5")))
    parser.add_argument("--match-seconds", type=float, default=15.0, help="how long a list waits for its papers")
    parser.add_argument("--clock", default=env("LANDFALL_CLOCK", ""), help="as LANDFALL_CLOCK")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    given = options(arguments)
    given.journal.mkdir(parents=True, exist_ok=True)
    hold = (given.journal / "lock").open("w")
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"{given.journal} is in use by another sandbox window", file=sys.stderr)
        return 1
    store = Store(Journal(given.journal), Clock(offset_of(given.clock)))
    seal = Seal(given.journal)  # made in any case, so that its certificate is there for those who will trust it
    outbox = Outbox(store, seal if given.sign else None)
    desk = Desk(store, outbox, Trust(given.trusted_cert), given.pace, given.match_seconds)
    officers = Officers(store, outbox, desk)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        server = make_server("127.0.0.1", given.port, create_app(store, desk, officers), threaded=True)
    except (OSError, SystemExit):
        print(f"port {given.port} is taken: set {PORT_VARIABLE} to another one", file=sys.stderr)
        return 1
    delivery = Delivery(store, given.receipts_url, given.token)
    officers.start()
    delivery.start()

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print(f"sandbox window on http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        officers.close()
        delivery.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
