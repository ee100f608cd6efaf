"""The desk against the sandbox window: another program, which signs, delays, repeats, reorders, loses and refuses."""

import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select, update
from werkzeug.serving import make_server

from core import clock, config, jobs
from core.config import ClockSetting
from core.database import db, transaction
from customs import declarations, filing
from customs.models import DeclarationLine, TaxBill, WindowDocument
from customs.reports import check
from tests.customs.desk import builders
from tests.customs.desk.builders import documents, status_of

ROOT = Path(__file__).parents[3]
SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sandbox:
    """The window's process and the door of our own that it delivers to."""

    def __init__(self, app: Any, settings: Any, folder: Path) -> None:
        self.app = app
        door = make_server("127.0.0.1", free_port(), app, threaded=True)
        threading.Thread(target=door.serve_forever, daemon=True).start()
        self._door = door
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            sys.executable, "-m", "sandboxes.window", "--port", str(port), "--journal", str(folder), "--sign",
            "--pace", "0.02", "--token", settings.receipt_token,
            "--receipts-url", f"http://127.0.0.1:{door.server_port}/api/v1/customs/receipts",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert "sandbox window" in (self._process.stdout.readline() if self._process.stdout else "")
        certificate = next(folder.glob("*cert*.pem"))
        changed = {"single_window_url": f"{self.url}/cebcmsg", "trusted_cert_file": certificate}
        config.use(replace(settings, require_signed_receipts=True, **changed))

    def fault(self, **order: Any) -> None:
        assert requests.post(f"{self.url}/sandbox/faults", json=order, timeout=5).status_code == 201

    def journal(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/sandbox/journal", timeout=5).json()
        return found

    def until(self, done: Callable[[], bool]) -> None:
        """Run our jobs until something is so."""
        deadline = time.monotonic() + SECONDS
        while not done():
            assert time.monotonic() < deadline, "it did not come to an end"
            jobs.run_worker(self.app, wait=False)
            filing.resend()
            time.sleep(0.05)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._door.shutdown()
        self._door.server_close()


@pytest.fixture(scope="module")
def sandbox(app: Any, settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = Sandbox(app, settings, tmp_path_factory.mktemp("window"))
    yield running
    running.close()
    config.use(settings)


@pytest.fixture(autouse=True)
def _now(app: Any, _noon: None) -> Iterator[None]:
    clock.set_clock(ClockSetting())
    with app.app_context():
        yield


def number() -> str:
    return f"LF{uuid.uuid4().hex[:16].upper()}"


def person() -> str:
    """Another buyer for each test: the window keeps the year's sums."""
    from stdnum.cn import ric

    digits = f"110105{1950 + uuid.uuid4().int % 50}0307{uuid.uuid4().int % 1000:03d}"
    return digits + ric.calc_check_digit(digits + "0")


def order(order_number: str, **changes: Any) -> uuid.UUID:
    request = builders.filing(*builders.buyer(person()), number=order_number, **changes)
    with transaction() as session:
        return declarations.open_retail(session, request)


def billed(found: uuid.UUID) -> bool:
    bill = db.session.scalars(select(TaxBill.status).where(TaxBill.declaration_id == found)).first()
    db.session.rollback()
    return bill == "consolidated"


def closed(found: uuid.UUID) -> Callable[[], bool]:
    return lambda: status_of(found) == "closed" and billed(found)


def test_filed_released_billed_to_the_fen(sandbox: Sandbox) -> None:
    found = order(number())
    sandbox.until(closed(found))
    line = db.session.scalars(select(DeclarationLine).where(DeclarationLine.declaration_id == found)).one()
    assert (line.billed_price_fen, line.billed_vat_fen, line.billed_duty_fen) == (
        line.dutiable_value_fen,
        line.vat_fen,
        0,
    )
    assert list(check.breaks(db.session())) == []
    db.session.rollback()
    theirs = [one for one in sandbox.journal()["documents"] if one["guid"] == documents(found)["621"].guid]
    assert [one["status"] for one in theirs] == ["899"]


def test_every_receipt_thrice_and_late(sandbox: Sandbox) -> None:
    mine = number()
    for kind in ("312", "622", "816"):
        sandbox.fault(fault="duplicate", kind=kind, order_no=mine, copies=3, count=None)
    found = order(mine)
    sandbox.until(closed(found))


@pytest.mark.parametrize(("kind", "code"), [("312", "120"), ("622", "120"), ("622", "800"), ("816", "1")])
def test_a_lost_receipt_is_asked_for_under_the_same_guid(sandbox: Sandbox, kind: str, code: str) -> None:
    mine = number()
    sandbox.fault(fault="lose", kind=kind, order_no=mine, status=code)
    found = order(mine)

    def hurried() -> bool:
        with transaction() as session:  # ten seconds and more of waiting, in no time
            waiting = update(WindowDocument).where(WindowDocument.next_send_at.is_not(None))
            session.execute(waiting.values(next_send_at=clock.now()))
        return closed(found)()

    sandbox.until(hurried)
    guids = [one["guid"] for one in sandbox.journal()["documents"] if one["order_no"] == mine]
    assert len(guids) == len(set(guids)) == 4


def test_overtaking_receipts(sandbox: Sandbox) -> None:
    mine = number()
    for status in ("2", "120", "399"):
        sandbox.fault(fault="reorder", kind="622", order_no=mine, status=status)
    sandbox.until(closed(order(mine)))


def test_refused_for_the_year(sandbox: Sandbox, heard: list) -> None:
    mine = number()
    sandbox.fault(fault="reject", kind="622", order_no=mine, code="-621018")
    found = order(mine)
    sandbox.until(lambda: status_of(found) == "rejected")
    assert [(state, info.get("code")) for _, state, info in heard][-1] == ("rejected", "-621018")


def test_held_then_withdrawn(sandbox: Sandbox) -> None:
    mine = number()
    sandbox.fault(fault="hold", kind="622", order_no=mine, code="300")
    found = order(mine)
    sandbox.until(lambda: status_of(found) == "held")
    with transaction() as session:
        assert declarations.cancel(session, mine, "no longer wanted") == "requested"
    sandbox.until(lambda: status_of(found) == "cancelled")
    assert documents(found)["623"].status == "accepted"
