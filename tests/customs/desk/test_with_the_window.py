"""The desk against the sandbox window: another program, which signs, delays, repeats, reorders, loses and refuses."""

import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
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
from customs.models import Declaration, DeclarationLine, TaxBill, WindowDocument
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
        self._command = [
            sys.executable, "-m", "sandboxes.window", "--port", str(port), "--journal", str(folder), "--sign",
            "--pace", "0.02", "--token", settings.receipt_token,
            "--receipts-url", f"http://127.0.0.1:{door.server_port}/api/v1/customs/receipts",
        ]  # fmt: skip
        self._start()
        certificate = next(folder.glob("*cert*.pem"))
        changed = {"single_window_url": f"{self.url}/cebcmsg", "trusted_cert_file": certificate}
        config.use(replace(settings, require_signed_receipts=True, **changed))

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert "sandbox window" in (self._process.stdout.readline() if self._process.stdout else "")

    def die(self) -> None:
        """As by a power cut, and up again."""
        self._process.kill()
        self._end()
        self._start()

    def _end(self) -> None:
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def call(self, path: str, **body: Any) -> requests.Response:
        return requests.post(f"{self.url}/sandbox/{path}", json=body, timeout=5)

    def fault(self, **order: Any) -> None:
        assert requests.post(f"{self.url}/sandbox/faults", json=order, timeout=5).status_code == 201

    def journal(self, order_no: str = "") -> dict[str, Any]:
        query = {"order_no": order_no}
        found: dict[str, Any] = requests.get(f"{self.url}/sandbox/journal", params=query, timeout=5).json()
        return found

    def until(self, done: Callable[[], bool], told: Callable[[], object] = str) -> None:
        """Run our jobs until something is so; `told` says how things stand when it does not come to that."""
        deadline = time.monotonic() + SECONDS
        while not done():
            assert time.monotonic() < deadline, f"it did not come to an end: {told()}"
            jobs.run_worker(self.app, wait=False)
            filing.resend()
            time.sleep(0.05)

    def close(self) -> None:
        self._process.terminate()
        self._end()
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


@pytest.mark.parametrize("kind", ["623", "625"])
def test_a_lost_last_word_on_a_request_is_asked_for(sandbox: Sandbox, kind: str) -> None:
    mine = number()
    sandbox.fault(fault="lose", kind=kind, order_no=mine, status="399")
    if kind == "623":
        sandbox.fault(fault="hold", kind="622", order_no=mine)
    found = order(mine)
    sandbox.until(lambda: status_of(found) == ("held" if kind == "623" else "closed"))
    with transaction() as session:
        if kind == "623":
            declarations.cancel(session, mine, "no longer wanted")
        else:
            declarations.file_return(session, mine, [(1, Decimal(1))], "too much")

    def accepted() -> bool:
        hurry()
        return documents(found)[kind].status == "accepted"

    sandbox.until(accepted)


FAULTS = ("duplicate", "reorder", "delay", "lose")
# Receipts that the desk asks for again when they do not come: the rest is not lost in these schedules.
LOST = (("312", "120"), ("412", "120"), ("512", "120"), ("622", "1"), ("622", "2"), ("622", "3"), ("622", "120"),
        ("622", "399"), ("622", "800"), ("816", "1"), ("624", "399"), ("626", "399"))  # fmt: skip
FATES = ("released", "held", "withdrawn", "returned", "examined")


class Story:
    """One order, its fate and what befalls its receipts, by the seed."""

    def __init__(self, rng: random.Random, sandbox: Sandbox) -> None:
        self.number = number()
        self.fate = rng.choice(FATES)
        self.asked = False
        if self.fate in ("held", "withdrawn"):
            sandbox.fault(fault="hold", kind="622", order_no=self.number, code=rng.choice(("300", "500", "501")))
        elif self.fate == "examined":
            sandbox.fault(fault="examine", kind="622", order_no=self.number, code=rng.choice(("300", "500")))
        for _ in range(rng.randrange(6)):
            kind, status = rng.choice(LOST)
            fault = rng.choice(FAULTS)
            more = {"seconds": rng.choice((0.1, 0.5)), "copies": rng.randrange(2, 5), "count": rng.randrange(1, 3)}
            sandbox.fault(fault=fault, kind=kind, order_no=self.number, status=status, **more)
        self.declaration = order(self.number)

    def go_on(self, sandbox: Sandbox) -> bool:
        """Do what is next; True when the story has ended."""
        status = status_of(self.declaration)
        if self.fate == "withdrawn":
            if status == "held" and not self.asked:
                self._ask(lambda session: declarations.cancel(session, self.number, "no longer wanted"))
            return status == "cancelled" and documents(self.declaration)["623"].status == "accepted"
        if self.fate == "held" and status == "held" and not self.asked:
            self.asked = sandbox.call("outcomes", order_no=self.number, outcome="release").status_code == 201
        if self.fate == "returned" and status == "closed" and not self.asked:
            self._ask(lambda session: declarations.file_return(session, self.number, [(1, Decimal(2))], "too much"))
        sent_back = self.fate != "returned" or (self.asked and documents(self.declaration)["625"].status == "accepted")
        return closed(self.declaration)() and sent_back

    def _ask(self, request: Callable[[Any], Any]) -> None:
        with transaction() as session:
            request(session)
        self.asked = True

    def told(self, sandbox: Sandbox) -> str:
        """How the story stands with us and with them."""
        mine = {kind: (one.status, one.attempts) for kind, one in documents(self.declaration).items()}
        theirs = sandbox.journal(self.number)
        sent = [(one["kind"], one["status"], one["state"]) for one in theirs["receipts"] if one["state"] != "delivered"]
        stand = {one["kind"]: one["status"] for one in theirs["documents"]}
        return f"{self.fate} {self.asked} {status_of(self.declaration)}: {mine}; theirs {stand}, not delivered {sent}"

    def agrees(self, sandbox: Sandbox) -> None:
        """Ours and theirs say the same of every document, of the buyer's year and of the tax."""
        theirs = sandbox.journal(self.number)
        states = {one["guid"]: one for one in theirs["documents"]}
        mine = documents(self.declaration)
        assert set(states) == {document.guid for document in mine.values()}
        listed = states[mine["621"].guid]
        assert listed["status"] == ("cancelled" if self.fate == "withdrawn" else "899")
        assert {states[mine[kind].guid]["status"] for kind in ("311", "411", "511")} == {"120"}
        counted = sum((Decimal(entry["amount"]) for entry in theirs["allowance"]), Decimal(0))
        assert counted * 100 == self._dutiable_fen()
        bills = db.session.scalars(select(TaxBill).where(TaxBill.declaration_id == self.declaration)).all()
        lines = db.session.scalars(
            select(DeclarationLine).where(DeclarationLine.declaration_id == self.declaration)
        ).all()
        assert len(bills) == (0 if self.fate == "withdrawn" else 1)
        if bills:
            assert [line.billed_vat_fen for line in lines] == [line.vat_fen for line in lines]
        db.session.rollback()

    def _dutiable_fen(self) -> int:
        """What the order should count in its buyer's year: nothing when withdrawn, less what went back."""
        if self.fate == "withdrawn":
            return 0
        rows = select(DeclarationLine.dutiable_value_fen).join(
            Declaration, Declaration.id == DeclarationLine.declaration_id
        )
        return sum(db.session.scalars(rows.where(Declaration.order_number == self.number)))


def tell(seed: int, sandbox: Sandbox) -> None:
    """Some orders at once under a random schedule of faults, with a window that dies on the way, until all agrees."""
    rng = random.Random(seed)
    stock(sandbox)
    before = drawn(sandbox)
    stories = [Story(rng, sandbox) for _ in range(4)]
    deaths = [rng.uniform(0.2, 3) for _ in range(rng.randrange(3))]
    started = time.monotonic()

    def ended() -> bool:
        if deaths and time.monotonic() - started > deaths[0]:
            deaths.pop(0)
            sandbox.die()
        if rng.random() < 0.1:
            sandbox.call(rng.choice(("pause", "resume")))
        hurry()
        over = all([story.go_on(sandbox) for story in stories])
        if not over and rng.random() < 0.3:
            sandbox.call("resume")
        return over

    try:
        sandbox.until(ended, lambda: [story.told(sandbox) for story in stories])
    finally:
        sandbox.call("resume")
    for story in stories:
        story.agrees(sandbox)
    # Three of each order left the account book, and two came back of what was returned.
    left = sum({"withdrawn": 0, "returned": 1}.get(story.fate, 3) for story in stories)
    assert drawn(sandbox) - before == left
    assert list(check.breaks(db.session())) == []
    db.session.rollback()


def hurry() -> None:
    """Ten seconds and more of waiting, in no time."""
    with transaction() as session:
        waiting = update(WindowDocument).where(WindowDocument.next_send_at.is_not(None))
        session.execute(waiting.values(next_send_at=clock.now()))


def stock(sandbox: Sandbox) -> None:
    item = {"item_record_no": "REC-1", "gcode": "0306179090", "unit": "140", "quantity": "100000"}
    answer = sandbox.call("books", ems_no=builders.BONDED["ems_no"], reference="FIRST", items=[item])
    assert answer.status_code == 201, answer.text


def drawn(sandbox: Sandbox) -> Decimal:
    answer = requests.get(f"{sandbox.url}/sandbox/books/{builders.BONDED['ems_no']}", timeout=5).json()
    return Decimal(answer["items"][0]["drawn"])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_befalls_the_receipts_both_agree_in_the_end(sandbox: Sandbox, seed: int) -> None:
    tell(seed, sandbox)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_schedules(sandbox: Sandbox, seed: int) -> None:
    tell(seed, sandbox)
