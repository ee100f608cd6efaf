"""Platform and sandbox customs over HTTP, each with its own reading of the interface: asked, answered, uploaded, taken."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from core import config
from core.database import transaction
from customs import declarations, filing_documents
from customs.payment_data import upload
from sandboxes.window.payment_data import Inspection, attach
from tests.customs.desk import builders
from tests.customs.payments.conftest import ORIGINAL


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serve a WSGI application on loopback; gives its address."""
    running: list[BaseWSGIServer] = []

    def start(application: Any) -> str:
        server = make_server("127.0.0.1", 0, application, threaded=True)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=["rsa-sha1", "sm2-sm3"])
def inspection(
    request: pytest.FixtureRequest, window: Any, app: Any, serve: Callable[[Any], str], tmp_path: Path
) -> Inspection:
    """The sandbox's check, knowing the platform's certificate; the platform knows where to upload."""
    platform, customs = serve(app), Flask("sandboxes.window.app")
    settings = replace(config.current(), signer_profile=request.param, payment_data_url=None)
    config.use(replace(settings, single_window_url=f"{serve(customs)}/cebcmsg"))
    file = tmp_path / "platform.pem"
    file.write_bytes(filing_documents.signer().certificate.public_bytes(Encoding.PEM))
    found = Inspection(f"{platform}/api/v1/customs/platDataOpen", config.current().payment_data_secret, file)
    attach(customs, found)
    return found


def test_asked_and_taken(inspection: Inspection, kept: Any) -> None:
    filing = builders.filing(*builders.buyer())
    with transaction() as session:
        declarations.open_retail(session, filing)
    row = inspection.ask(ORIGINAL.order_number)
    assert row["answer"]["status"] == 200
    assert row["answer"]["body"]["code"] == "10000"
    upload.upload_due()
    (taken,) = row["uploads"]
    assert taken["faults"] == []
    assert taken["upload"]["payExchangeInfoHead"]["initalRequest"] == ORIGINAL.request


def test_of_an_unknown_order_nothing_comes(inspection: Inspection, kept: Any) -> None:
    row = inspection.ask("LF0000000000")
    assert row["answer"]["status"] == 404
    upload.upload_due()
    assert row["uploads"] == []
