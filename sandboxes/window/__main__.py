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

from sandboxes.window.app import Window, create_app
from sandboxes.window.clock import Clock, offset_of
from sandboxes.window.database import Database
from sandboxes.window.delivery import Delivery, HttpPost, Post
from sandboxes.window.desk import Desk
from sandboxes.window.dxp import FolderPost, Intake
from sandboxes.window.faults import BadFault, Scripts
from sandboxes.window.lists import Lists
from sandboxes.window.officers import Officers
from sandboxes.window.outbox import Outbox
from sandboxes.window.outcomes import Outcomes
from sandboxes.window.payment_data import Inspection, attach
from sandboxes.window.queue import Queue
from sandboxes.window.settings import BadSetting, Desktop, Settings, changed, from_file
from sandboxes.window.signing import RSA, SM2, Seal, Trust
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
    parser.add_argument(
        "--payment-data-url",
        default=env("SINGLE_WINDOW_SANDBOX_PAYMENT_DATA_URL", receipts.replace("/receipts", "/platDataOpen")),
        help="where the platform is asked for payment data",
    )
    parser.add_argument("--token", default=env("SINGLE_WINDOW_RECEIPT_TOKEN", ""), help="bearer token of the receipts")
    parser.add_argument("--journal", type=Path, default=Path(env("SINGLE_WINDOW_SANDBOX_JOURNAL", f"{var}/window")))
    trusted = env("SINGLE_WINDOW_SANDBOX_TRUSTED_CERT")
    parser.add_argument(
        "--trusted-cert",
        type=Path,
        default=Path(trusted) if trusted else None,
        help="PEM file of the certificates whose signatures are taken; without it any certificate is",
    )
    sign = env("SINGLE_WINDOW_SANDBOX_SIGN", "")
    parser.add_argument(
        "--sign",
        nargs="?",
        const=RSA,
        choices=(RSA, SM2),
        default={"": None, "0": None, "1": RSA}.get(sign, sign),
        help="sign the receipts: rsa (RSA-SHA1) or sm2 (SM2-SM3)",
    )
    settings = env("SINGLE_WINDOW_SANDBOX_SETTINGS")
    parser.add_argument("--settings", type=Path, default=Path(settings) if settings else None, help="TOML file")
    parser.add_argument("--pace", type=float, default=_number(env("SINGLE_WINDOW_SANDBOX_PACE")))
    parser.add_argument("--match-seconds", type=float, help="how long a list waits for its papers")
    folder = env("SINGLE_WINDOW_SANDBOX_DXP")
    parser.add_argument(
        "--dxp-folder",
        type=Path,
        default=Path(folder) if folder else None,
        help="folder of a transfer client: its outbox is emptied, receipts go into its inbox instead of being posted",
    )
    parser.add_argument("--dxp-receiver", default=env("SINGLE_WINDOW_SANDBOX_DXP_RECEIVER", "DXPPLATFORM"))
    parser.add_argument("--clock", default=env("LANDFALL_CLOCK", ""), help="as LANDFALL_CLOCK")
    given = parser.parse_args(arguments)
    if given.sign not in (None, RSA, SM2):
        parser.error(f"SINGLE_WINDOW_SANDBOX_SIGN: {RSA} or {SM2}")
    return given


def main(arguments: list[str] | None = None) -> int:
    given = options(arguments)
    given.journal.mkdir(parents=True, exist_ok=True)
    hold = (given.journal / "lock").open("w")
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"{given.journal} is in use by another sandbox window", file=sys.stderr)
        return 1
    database = Database(given.journal)
    store = Store(database, Clock(offset_of(given.clock)))
    try:
        window, officers = _office(given, store)
    except (BadSetting, BadFault) as fault:
        print(f"settings: {fault}", file=sys.stderr)
        return 1
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        app = create_app(window)
        key = os.environ.get("PAYMENT_DATA_KEY") or given.token
        attach(app, Inspection(given.payment_data_url, key, given.trusted_cert))
        server = make_server("127.0.0.1", given.port, app, threaded=True)
    except (OSError, SystemExit):
        print(f"port {given.port} is taken: set {PORT_VARIABLE} to another one", file=sys.stderr)
        return 1
    helpers: list[Delivery | Officers | Intake] = [officers]
    post: Post = HttpPost(given.receipts_url, given.token)
    if given.dxp_folder:
        helpers.append(Intake(given.dxp_folder, window.desk, store.clock))
        post = FolderPost(given.dxp_folder, store.clock, given.dxp_receiver)
    helpers.append(Delivery(store, window.queue, post))
    for helper in helpers:
        helper.start()

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print(f"sandbox window on http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        for helper in helpers:
            helper.close()
    return 0


def _office(given: argparse.Namespace, store: Store) -> tuple[Window, Officers]:
    """Everything behind the counter. Raises BadSetting or BadFault for what the settings file says."""
    base, scripts_given = from_file(given.settings) if given.settings else (Settings(), [])
    own = {"pace": given.pace, "match_seconds": given.match_seconds}
    desktop = Desktop(store.database, changed(base, {name: value for name, value in own.items() if value is not None}))
    scripts = Scripts(store.database, desktop)
    queue = Queue(store)
    # Made in any case, so that its certificate is there for those who will trust it.
    seal = Seal(given.journal, given.sign or RSA)
    outbox = Outbox(store, queue, scripts, seal if given.sign else None)
    lists = Lists(store, outbox, scripts, desktop)
    desk = Desk(store, outbox, lists, desktop, Trust(given.trusted_cert))
    with store.step():
        _script(store, scripts, scripts_given)
    window = Window(store, queue, scripts, desktop, desk, Outcomes(store, outbox, lists))
    return window, Officers(store, outbox, scripts, desk)


def _script(store: Store, scripts: Scripts, given: list[object]) -> None:
    """The scripts of the settings file, once for each content of it."""
    text = repr(given)
    if store.database.fact("scripted") != text:
        for one in given:
            scripts.add(one)
        store.database.set_fact("scripted", text)


def _number(text: str | None) -> float | None:
    return float(text) if text else None


if __name__ == "__main__":
    sys.exit(main())
