"""`python -m sandboxes.stripe --port 8420 --journal <folder>`: one process, many threads, loopback only."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from sandboxes.stripe.app import create_app
from sandboxes.stripe.delivery import Courier
from sandboxes.stripe.journal import Journal, JournalFault
from sandboxes.stripe.store import Store

HOST = "127.0.0.1"
SLOW_CLIENT_SECONDS = 30


class Handler(WSGIRequestHandler):
    """Quiet, and done with clients that send a byte now and then."""

    timeout = SLOW_CLIENT_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal has it."""


def main() -> int:
    asked = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    listener = _listen(asked.port)
    if listener is None:
        print(
            f"STRIPE_SANDBOX_PORT {asked.port} is in use: stop what listens there or set another port.", file=sys.stderr
        )
        return 1
    try:
        store = Store(Journal(asked.journal))
    except (JournalFault, OSError) as fault:
        print(f"The Stripe sandbox cannot use its journal: {fault}", file=sys.stderr)
        return 1
    port = listener.getsockname()[1]
    courier = Courier(store)
    app = create_app(store, f"http://{HOST}:{port}")
    server = make_server(HOST, port, app, threaded=True, request_handler=Handler, fd=listener.fileno())
    courier.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"Stripe sandbox on http://{HOST}:{port}, journal in {asked.journal}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        courier.stop()
        store.journal.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandboxes.stripe", description="A Stripe to test against.")
    parser.add_argument("--port", type=int, default=int(os.environ.get("STRIPE_SANDBOX_PORT", "8420")))
    parser.add_argument(
        "--journal", type=Path, default=Path("var/stripe-sandbox"), help="folder, or .jsonl file, that keeps its state"
    )
    return parser.parse_args()


def _listen(port: int) -> socket.socket | None:
    """A bound socket (port 0: any free one), or None where the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        return None
    listener.listen(128)
    return listener


if __name__ == "__main__":
    sys.exit(main())
