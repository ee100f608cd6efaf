"""From the papers to the closed list by files, whatever dies on the way."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core import clock
from core.database import db
from customs import filing, inbox, receipts
from customs.dead_letters import attempts
from tests.customs.desk.builders import at, documents, receipt, status_of
from tests.customs.desk.file_drop.drops import filed, later, names, opened
from tests.customs.window.dxp.transfer_client import TransferClient

ROOT = Path(__file__).parents[4]
INVT = "310520262I00000000"


def test_from_the_papers_to_the_closed_list(client: TransferClient) -> None:
    found = filed(client)
    assert client.kinds() == ["311", "411", "511"]
    for kind in ("311", "411", "511"):
        client.deliver(receipt(found, kind, "120", at(1)))
    assert inbox.read_inbox() == {"read": 3}
    receipts.apply_receipts()
    filing.file(str(found))
    client.take()
    assert client.kinds()[-1] == "621"
    for code, second in (("120", 5), ("800", 7), ("899", 8)):
        client.deliver(receipt(found, "621", code, at(second), invtNo=INVT))
    inbox.read_inbox()
    receipts.apply_receipts()
    assert status_of(found) == "closed"
    assert names(client, "inbox") == names(client, "bad") == names(client, "drafts") == []
    assert len(names(client, "done")) == 6


def test_the_inbox_is_nothing_where_messages_go_by_http(window: Any) -> None:
    assert inbox.read_inbox() == {}


def test_the_command_reads_it(client: TransferClient, app: Any) -> None:
    found = filed(client)
    client.deliver(receipt(found, "311", "120", at(1)))
    said = app.test_cli_runner().invoke(args=["window", "inbox"])
    assert (said.exit_code, said.output) == (0, "1 read\n")


_SENDS_AND_DIES = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from core import clock, config
from core.config import ClockSetting
from customs import filing
from shop.app import create_app
app = create_app(config.load())
clock.set_clock(ClockSetting(fixed=datetime.fromisoformat(sys.argv[1])))
Path.rename = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
with app.app_context():
    filing.resend()
"""


def test_killed_between_write_and_rename_the_next_process_sends_the_same_bytes_once(
    client: TransferClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = opened()
    with monkeypatch.context() as patch:  # built and stored, nothing sent
        patch.setattr(filing, "send_documents", lambda _: None)
        filing.file(str(found))
    environment = {
        **os.environ,
        "LANDFALL_ENV": "test",
        "LANDFALL_VAR": str(settings.var),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret,
        "SINGLE_WINDOW_URL": client.folder.as_uri(),
        "SINGLE_WINDOW_RECEIPT_TOKEN": settings.receipt_token,
    }
    command = [sys.executable, "-c", _SENDS_AND_DIES, clock.now().isoformat()]
    died = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (client.take(), len(names(client, "drafts"))) == ([], 1)
    stopped = next(document for document in documents(found).values() if document.tries == 1)
    assert [each.outcome for each in attempts.of_document(stopped.id)] == ["started"]
    db.session.rollback()
    later(60)
    filing.resend()
    client.take()
    assert sorted(client.kinds()) == ["311", "411", "511"]
    for kind, guid, _ in client.sent:
        client.deliver(receipt(found, kind, "120", at(1)))
        assert guid == documents(found)[kind].guid
    inbox.read_inbox()
    receipts.apply_receipts()
    assert {documents(found)[kind].status for kind in ("311", "411", "511")} == {"received"}
    assert documents(found)[stopped.kind].may_have_arrived
