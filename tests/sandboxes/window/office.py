"""A sandbox window as a process of its own, and a listener that takes its receipts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from lxml import etree

from customs.window.facts import FilingOrder
from customs.window.keys import SoftwareSigner
from customs.window.messages import build, parse
from customs.window.receipts import Receipt, read_receipts
from customs.window.signature import sign_message
from customs.window.tables import NAMESPACE, Field, message_types, transfer_fields
from customs.window.transport import HttpTransport
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER, documents

CEB = f"{{{NAMESPACE}}}"
TOKEN = "receipt-token"
ROOT = Path(__file__).parents[3]


class Listener:
    """Takes receipts as the platform would; `answer` is the status it gives."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answer = 202
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.headers.append(dict(self.headers))
                if listener.answer < 300:
                    listener.got.append(body)
                self.send_response(listener.answer)
                self.end_headers()

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/receipts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def receipts(self, kind: str | None = None) -> list[Receipt]:
        found = [receipt for xml in list(self.got) for receipt in read_receipts(parse(xml))]
        return [receipt for receipt in found if kind in (None, receipt.kind)]

    def statuses(self, kind: str) -> list[str]:
        return [receipt.status for receipt in self.receipts(kind)]

    def wait(self, kind: str, status: str, seconds: float = 10) -> Receipt:
        """The first receipt of this kind and status, or a failure that says what came instead."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for receipt in self.receipts(kind):
                if receipt.status == status:
                    return receipt
            time.sleep(0.02)
        came = [(receipt.kind, receipt.status, receipt.return_info) for receipt in self.receipts()]
        raise AssertionError(f"no receipt {kind} {status}; came: {came}")


class Office:
    """The window: start, stop, file."""

    def __init__(self, folder: Path, listener: Listener, signer: SoftwareSigner, *options: str) -> None:
        self.folder = folder
        self.listener = listener
        self.signer = signer
        self.options = options
        self.process: subprocess.Popen | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "sandboxes.window", "--port", str(self.port), "--journal", str(self.folder)]
        command += ["--receipts-url", self.listener.url, "--token", TOKEN, "--pace", "0.02", *self.options]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("LANDFALL", "SINGLE"))}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = line.split(" on ")[1].strip()
        self.port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def send(self, kind: str, document: dict, guid: str | None = None, sign: bool | None = None) -> bytes:
        xml = build(kind, [document], TRANSFER, guid or new_guid())
        if sign if sign is not None else kind in ("621", "623", "625"):
            xml = sign_message(xml, self.signer)
        self.send_raw(kind, xml)
        return xml

    def send_raw(self, kind: str, xml: bytes, guid: str = "RAW") -> None:
        HttpTransport(f"{self.url}cebcmsg", "DXP1", "CUSTOMS").send(kind, guid, xml)

    def file(self, order: FilingOrder, **changes: dict) -> dict[str, dict]:
        """Send the four documents of an order; `changes` by kind are made after they were built."""
        made = documents(order)
        for kind in ("311", "411", "511", "621"):
            made[kind] = {**made[kind], **changes.get(f"c{kind}", {})}
            self.send_unchecked(kind, made[kind])
        return made

    def send_unchecked(self, kind: str, document: dict) -> None:
        """Send what our own builder would refuse: the window must find it without us."""
        self.send_raw(kind, raw(kind, document, self.signer))

    def script(self, **fault) -> None:
        answer = requests.post(f"{self.url}sandbox/faults", json=fault, timeout=5)
        assert answer.status_code == 201, answer.text

    def call(self, method: str, path: str, **body) -> requests.Response:
        """The interface for tests: /sandbox/<path>."""
        return requests.request(method, f"{self.url}sandbox/{path}", json=body or None, timeout=5)

    def settings(self, **changes) -> None:
        answer = self.call("PATCH", "settings", **changes)
        assert answer.status_code == 200, answer.text

    def decide(self, order_no: str, outcome: str, kind: str = "621", **more) -> requests.Response:
        return self.call("POST", "outcomes", kind=kind, order_no=order_no, outcome=outcome, **more)

    def journal(self, order_no: str = "") -> dict:
        return requests.get(f"{self.url}sandbox/journal", params={"order_no": order_no}, timeout=5).json()

    def used(self, order_no: str) -> Decimal:
        """What an order counts in its buyer's year."""
        entries = self.journal(order_no)["allowance"]
        return sum((Decimal(entry["amount"]) for entry in entries), Decimal(0))

    def quieten(self) -> None:
        """Take back all scripts and wait until nothing is under way, so that the next test hears only its own."""
        self.listener.answer = 202
        requests.delete(f"{self.url}sandbox/faults", timeout=5)
        requests.post(f"{self.url}sandbox/resume", timeout=5)
        self.rest()
        self.listener.got.clear()
        self.listener.headers.clear()

    def rest(self) -> None:
        """Wait until nothing is under way."""
        deadline = time.monotonic() + 20
        while not self.journal()["idle"]:
            assert time.monotonic() < deadline, "the window does not come to rest"
            time.sleep(0.02)

    def document(self, kind: str, order_no: str) -> dict:
        found = [one for one in self.journal(order_no)["documents"] if one["kind"] == kind]
        assert len(found) == 1, found
        return found[0]


def raw(kind: str, document: dict, signer: SoftwareSigner | None) -> bytes:
    """A message straight from a dict, by no rules but the tables' order."""
    message = message_types()[kind]
    root = etree.Element(f"{CEB}{message.root}", {"guid": new_guid(), "version": "1.0"}, nsmap={"ceb": NAMESPACE})
    outer = etree.SubElement(root, f"{CEB}{message.document}")
    fill(etree.SubElement(outer, f"{CEB}{message.head}") if message.head else outer, message.head_fields, document)
    for line in document.get("lines", ()):
        fill(etree.SubElement(outer, f"{CEB}{message.lines}"), message.line_fields, line)
    sender = {"copCode": "4601960A01", "copName": "平台", "dxpMode": "DXP", "dxpId": "DXP1"}
    fill(etree.SubElement(root, f"{CEB}BaseTransfer"), transfer_fields(), sender)
    xml = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return sign_message(xml, signer) if signer and message.signed else xml


def fill(parent: etree._Element, fields: tuple[Field, ...], values: dict) -> None:
    for field in fields:
        if values.get(field.element) is not None:
            etree.SubElement(parent, f"{CEB}{field.element}").text = written(values[field.element])


def written(value: object) -> str:
    """A value as it stands in a message: no exponents."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def numbered(order: FilingOrder, number: int) -> FilingOrder:
    """The same order under its own numbers."""
    return replace(order, number=f"LF{number:010d}", payment_no=f"PAY{number:010d}", waybill_no=f"WB{number:010d}")


def dear(order: FilingOrder, total_fen: int, quantity: int = 1, gcode: str = "3304990099") -> FilingOrder:
    """The order with one line of this price and nothing else to pay."""
    line = replace(
        order.lines[0],
        gcode=gcode,
        total_fen=total_fen,
        quantity=Decimal(quantity),
        elements=(("品名", "面霜"), ("规格", "50ml/瓶")),
    )
    return replace(
        order,
        lines=(line,),
        goods_fen=total_fen,
        freight_fen=0,
        insurance_fen=0,
        tax_fen=0,
        discount_fen=0,
        paid_fen=total_fen,
    )
