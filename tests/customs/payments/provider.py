"""A small payment enterprise for the tests: declares payments as Antom does, checks what it is asked, signs its answer."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

CLIENT = "SANDBOX_5Y00000000"
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
THEIRS = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """`paid` are the sums of payments in fen; `declared` the answers by request id; `script` the next odd answers.

    A script is a dict of changes to the answer, a status, or the word `unsigned`.
    """

    def __init__(self) -> None:
        self.paid: dict[str, int] = {}
        self.asked: list[dict] = []
        self.declared: dict[str, dict] = {}
        self.script: list[dict | int | str] = []
        self.checks = "CHECK_PASSED"
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, answer, signed = provider._answer(self.path, self.headers, body)
                text = json.dumps(answer, ensure_ascii=False)
                self.send_response(status)
                self.send_header("Response-Time", "1764000000000")
                signature = THEIRS if signed else OURS
                value = signature.sign(
                    f"POST {self.path}\n{CLIENT}.1764000000000.{text}".encode(), padding.PKCS1v15(), hashes.SHA256()
                )
                coded = quote(base64.b64encode(value).decode(), safe="")
                self.send_header("Signature", f"algorithm=RSA256,keyVersion=1,signature={coded}")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, headers: object, body: str) -> tuple[int, dict, bool]:
        if not self._is_ours(path, headers, body):
            return 200, _result("F", "INVALID_SIGNATURE"), True
        asked = json.loads(body)
        self.asked.append(asked)
        answer = self.declared.get(asked["declarationRequestId"]) or self._decide(asked)
        self.declared[asked["declarationRequestId"]] = answer
        odd = self.script.pop(0) if self.script else {}
        if isinstance(odd, int):
            return odd, {}, True
        if odd == "unsigned":
            return 200, answer, False
        return 200, {**answer, **odd}, True

    def _is_ours(self, path: str, headers: object, body: str) -> bool:
        parts = dict(part.partition("=")[::2] for part in headers["Signature"].split(","))
        text = f"POST {path}\n{headers['Client-Id']}.{headers['Request-Time']}.{body}".encode()
        try:
            value = base64.b64decode(unquote(parts["signature"]), validate=True)
            OURS.public_key().verify(value, text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return headers["Client-Id"] == CLIENT

    def _decide(self, asked: dict) -> dict:
        paid, amount = self.paid.get(asked["paymentId"]), int(asked["declarationAmount"]["value"])
        if paid is None:
            return _result("F", "ORDER_NOT_EXIST")
        if amount > paid:
            return _result("F", "DECLARATION_AMOUNT_EXCEEDED")
        if asked["splitOrder"] != (amount < paid):
            return _result("F", "PARAM_ILLEGAL")
        return {
            **_result("S", "SUCCESS"),
            "customsPaymentId": f"C{len(self.declared) + 1:012d}",
            "customsOrderId": asked["subOrderId"],
            "clearingChannel": "NUCC",
            "clearingTransactionId": f"N{len(self.declared) + 1:012d}",
            "identityCheckResult": self.checks,
        }


def _result(status: str, code: str) -> dict:
    return {"result": {"resultStatus": status, "resultCode": code, "resultMessage": "-"}}


def parties_file(folder: Path, url: str, base: str) -> Path:
    """The parties of `base` with this provider as their payment service."""
    (folder / "ours.pem").write_bytes(OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "theirs.pem").write_bytes(
        THEIRS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    service = (
        f'\n[payment_service]\nadapter = "antom"\nurl = "{url}"\nclient_id = "{CLIENT}"\n'
        'key_file = "ours.pem"\nprovider_key_file = "theirs.pem"\n'
    )
    file = folder / "parties.toml"
    file.write_text(base + service, "utf-8")
    return file
