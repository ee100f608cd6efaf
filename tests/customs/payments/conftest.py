"""The desk with its window, a customs that takes uploads, and what the shop would keep of a payment."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from core import config
from core.database import transaction
from customs import declarations
from customs.payment_data import source
from customs.payment_data.message import Original
from tests.customs.desk import builders
from tests.customs.desk.conftest import _noon, heard, window  # noqa: F401 - fixtures

ORIGINAL = Original(
    order_number="LF2611230001",
    request="POST https://pay.example/v1/payments\n\namount=10983&currency=cny",
    response='{"id":"pay_1","paid":true}',
    transaction_id="LF2611230001P",
    amount_fen=10983,
    paid_at=datetime(2026, 11, 23, 4, 0, 1, tzinfo=UTC),
    goods=(("冷冻阿根廷红虾", "https://landfall.example/listings/1"),),
    account="acct_of_the_platform",
)


class Customs:
    """Takes `realTimeDataUpload`; `answers` are the next ones, as (status, body)."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answers: list[tuple[int, str]] = []
        customs = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True)
                customs.taken.append(form["payExInfoStr"][0])
                good = '{"code":"10000","message":"上传成功","total":1,"serviceTime":1544519952469}'
                status, body = customs.answers.pop(0) if customs.answers else (200, good)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ceb2grab/grab/realTimeDataUpload"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def customs(window: object) -> Iterator[Customs]:  # noqa: F811 - the fixture
    fake = Customs()
    config.use(replace(config.current(), payment_data_url=fake.url))
    yield fake
    fake.close()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Original]:
    """What the shop keeps, by order number; a test may change it."""
    found = {ORIGINAL.order_number: ORIGINAL}
    monkeypatch.setattr(source, "_providers", [found.get])
    return found


@pytest.fixture
def order(customs: Customs, kept: Any) -> uuid.UUID:
    """A declared order."""
    request = builders.filing(*builders.buyer())
    with transaction() as session:
        return declarations.open_retail(session, request)
