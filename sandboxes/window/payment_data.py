"""Customs' check of payment data (announcement 179): asks the platform by order, and checks what is uploaded.

The upload is read as it came: its parts are cut out of the text, so the signature is checked over the bytes that were
sent. Kept in memory: what was asked, what came, and every fault.
"""

from __future__ import annotations

import base64
import itertools
import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from sandboxes.window import sm2
from sandboxes.window.pages import show

TIMEOUT_SECONDS = 5
_KEPT, _UPLOADS_KEPT = 500, 20
_TOP = ("sessionID", "payExchangeInfoHead", "payExchangeInfoLists", "serviceTime", "certNo", "signValue")
_HEAD = (
    "guid",
    "initalRequest",
    "initalResponse",
    "ebpCode",
    "payCode",
    "payTransactionId",
    "totalAmount",
    "currency",
    "verDept",
    "payType",
    "tradingTime",
    "note",
)
_LIST = ("orderNo", "goodsInfo", "recpAccount", "recpCode", "recpName")
_MAY_BE_EMPTY = ("note", "recpCode")


class Inspection:
    """Asks by order number, and judges uploads; `certificates` is the PEM file of the platform's certificate."""

    def __init__(self, ask_url: str, key: str, certificates: Path | None) -> None:
        self._ask_url = ask_url
        self._key = key
        self._certificates = certificates
        self._lock = threading.Lock()
        self.asked: dict[tuple[str, str], dict[str, Any]] = {}

    def ask(self, order_no: str) -> dict[str, Any]:
        """Ask the platform now, in a new session; returns what is known of the question."""
        session_id = str(uuid.uuid4())
        row: dict[str, Any] = {"order_no": order_no, "session_id": session_id, "answer": None, "uploads": []}
        with self._lock:
            self.asked[session_id, order_no] = row
            for old in list(self.asked)[:-_KEPT]:
                del self.asked[old]
        question: dict[str, Any] = {"orderNo": order_no, "sessionID": session_id, "serviceTime": milliseconds()}
        try:
            with requests.Session() as session:
                session.trust_env = False  # the platform is on this machine: no proxy
                head = {"Authorization": f"Bearer {self._key}"}
                answer = session.post(
                    self._ask_url, json=question, headers=head, timeout=TIMEOUT_SECONDS, allow_redirects=False
                )
            row["answer"] = {"status": answer.status_code, "body": answer.json()}
        except (requests.RequestException, ValueError) as fault:
            row["answer"] = {"status": None, "body": type(fault).__name__}
        return row

    def judge(self, text: str) -> list[str]:
        """Every fault of an upload; none when it is taken. It is kept with its question."""
        found, said = faults_of(text)
        lists = said.get("payExchangeInfoLists") if not found else None
        order_no = lists[0]["orderNo"] if lists else ""
        row = self.asked.get((str(said.get("sessionID", "")), order_no))
        if not found and row is None:
            found.append("nobody asked for this order in this session")
        if not found:
            found += self._signature(text, said)
        with self._lock:
            if row is not None:
                row["uploads"].append({"at": milliseconds(), "faults": found, "upload": said})
                del row["uploads"][:-_UPLOADS_KEPT]
        return found

    def _signature(self, text: str, said: dict[str, Any]) -> list[str]:
        certificate = self._certificate(said["certNo"])
        if certificate is None:
            return [f"no certificate {said['certNo']} is on file"]
        try:
            value = base64.b64decode(said["signValue"], validate=True)
        except ValueError:
            return ["signValue is not base64"]
        try:
            signed = signed_text(text).encode()
        except ValueError:
            return ["the JSON is not compact: its parts cannot be cut out as they were signed"]
        return [] if _holds(certificate, value, signed) else ["the signature does not hold"]

    def _certificate(self, cert_no: str) -> x509.Certificate | None:
        if self._certificates is None or not self._certificates.is_file():
            return None
        known = x509.load_pem_x509_certificates(self._certificates.read_bytes())
        named = (one for one in known if f"{one.serial_number:x}" == cert_no.lower())
        return next(named, known[0] if len(known) == 1 else None)


def _holds(certificate: x509.Certificate, value: bytes, text: bytes) -> bool:
    """RSA with SHA-1 or SM2 with SM3, as the certificate has it."""
    point = sm2.point_of(certificate)
    if point is not None:
        return sm2.holds(point, value, text)
    key = certificate.public_key()
    try:
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(value, text, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - as specified
    except InvalidSignature:
        return False
    return True


def faults_of(text: str) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with the form of an upload, and its content."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ["not JSON"], {}
    if not isinstance(said, dict) or tuple(said) != _TOP:
        return [f"the elements are {', '.join(_TOP)} in this order"], said if isinstance(said, dict) else {}
    head, lists = said["payExchangeInfoHead"], said["payExchangeInfoLists"]
    if not isinstance(head, dict) or tuple(head) != _HEAD:
        return [f"payExchangeInfoHead: {', '.join(_HEAD)} in this order"], said
    if not isinstance(lists, list) or not lists or any(not isinstance(x, dict) or tuple(x) != _LIST for x in lists):
        return [f"payExchangeInfoLists: {', '.join(_LIST)} in this order"], said
    empty = [name for row in (head, *lists) for name, value in row.items() if not value and name not in _MAY_BE_EMPTY]
    found = [f"{name} is empty" for name in empty]
    texts = {"certNo": said["certNo"], "signValue": said["signValue"], "orderNo": lists[0]["orderNo"]}
    found += [f"{name} is text" for name, value in texts.items() if not isinstance(value, str)]
    if not all(map(_names_goods, lists)):
        found.append("goodsInfo needs gname and itemLink")
    if head["currency"] != "142" or head["verDept"] not in ("1", "2", "3"):
        found.append("currency is 142, verDept 1, 2 or 3")
    if isinstance(head["totalAmount"], str):
        found.append("totalAmount is a number")
    return found, said


def _names_goods(row: dict[str, Any]) -> bool:
    goods = row["goodsInfo"]
    return isinstance(goods, list) and all(
        isinstance(good, dict) and good.get("gname") and good.get("itemLink") for good in goods
    )


def signed_text(text: str) -> str:
    """The text that was signed, cut out of the upload as it came."""
    part = {}
    for name, following in itertools.pairwise(_TOP):
        start = text.index(f'"{name}":') + len(name) + 3
        part[name] = text[start : text.rindex(f',"{following}":')]
    plain = ("sessionID", "serviceTime")
    return "||".join(f'"{name}":{part[name]}' if name in plain else f'"{name}":"{part[name]}"' for name in _TOP[:4])


def milliseconds() -> int:
    return int(time.time() * 1000)


def attach(app: Flask, inspection: Inspection) -> None:
    """The upload's door, the order to ask, and a page that does it by a button."""

    @app.post("/ceb2grab/grab/realTimeDataUpload")
    def upload() -> Response:
        found = inspection.judge(request.form.get("payExInfoStr", ""))
        code, words = ("20000", "; ".join(found)[:300]) if found else ("10000", "上传成功")
        return jsonify(code=code, message=words, total=0 if found else 1, serviceTime=milliseconds())

    @app.post("/sandbox/payment-data")
    def ask() -> tuple[BaseResponse, int]:
        given = request.get_json(silent=True)
        order_no = given.get("order_no") if isinstance(given, dict) else request.form.get("order_no")
        if not isinstance(order_no, str) or not order_no.strip():
            return jsonify(error="order_no: the order to ask for"), 422
        row = inspection.ask(order_no.strip())
        return (redirect("/payment-data", 303), 303) if request.form else (jsonify(row), 201)

    @app.get("/sandbox/payment-data")
    def asked() -> Response:
        return jsonify(items=list(inspection.asked.values())[::-1])

    @app.get("/payment-data")
    def page() -> Response:
        return show("payment_data.html", rows=list(inspection.asked.values())[::-1])
