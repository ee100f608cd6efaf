"""A worked example of an adapter: the declaration of a payment as Antom (Alipay+) takes it.

One POST of JSON, signed with RSA and SHA-256 over method, path, client, time and body; the answer is signed in the same
way. `result.resultStatus` is S (done), F (refused) or U (ask again). Field names are those of its published interface;
before use, hold them against the contract you sign.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from core import clock, strict_json
from core.errors import Problem
from customs.payment_port.own import check_amount
from customs.payment_port.port import (
    NETSUNION,
    NOT_PASSED,
    NOT_TOLD,
    OTHER,
    PASSED,
    UNIONPAY,
    Declared,
    DeclarerUnavailable,
    PaymentOrder,
    PaymentRefused,
)
from customs.window.facts import PaymentService
from customs.window.http import NoAnswer, Reply, exchange

PATH = "/ams/api/v1/customs/declare"
TIMEOUT_SECONDS = 8
ANSWER_BYTES_MAX = 16 * 1024
_CHANNELS = {"CUP": UNIONPAY, "NUCC": NETSUNION, "OTHER": OTHER}
_CHECKS = {"CHECK_PASSED": PASSED, "CHECK_NOT_PASSED": NOT_PASSED}
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,60}\Z", re.ASCII)


class Antom:
    """Sends the payment message itself, so no 411 of ours follows."""

    name = "antom"
    files_411 = False

    def __init__(self, service: PaymentService) -> None:
        """Raises ValueError for keys that are not RSA."""
        key = load_pem_private_key(service.key_file.read_bytes(), None)
        provider = load_pem_public_key(service.provider_key_file.read_bytes())
        if not isinstance(key, rsa.RSAPrivateKey) or not isinstance(provider, rsa.RSAPublicKey):
            raise ValueError("payment_service: both keys must be RSA keys")
        self._key, self._provider = key, provider
        self._client_id = service.client_id
        self._url = service.url.rstrip("/") + PATH

    def declare(self, order: PaymentOrder) -> Declared:
        check_amount(order)
        if not order.payment_id:
            raise PaymentRefused("the payment has no number of the enterprise")
        body = json.dumps(question(order), ensure_ascii=False, separators=(",", ":"))
        return self._read(order, self._ask(body))

    def _ask(self, body: str) -> dict[str, Any]:
        at = str(int(clock.now().timestamp() * 1000))
        signature = self._key.sign(self._signed(at, body), padding.PKCS1v15(), hashes.SHA256())
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "Client-Id": self._client_id,
            "Request-Time": at,
            "Signature": f"algorithm=RSA256,keyVersion=1,signature={quote(base64.b64encode(signature), safe='')}",
        }
        try:
            answer = exchange(
                self._url, seconds=TIMEOUT_SECONDS, at_most=ANSWER_BYTES_MAX, data=body.encode(), headers=headers
            )
        except NoAnswer as fault:
            raise DeclarerUnavailable(str(fault)) from fault
        if answer.status != 200:
            raise DeclarerUnavailable(f"answered {answer.status}")
        self._check_signature(answer)
        try:
            found = strict_json.loads(answer.body)
        except Problem as fault:
            raise DeclarerUnavailable("the answer is not JSON") from fault
        if not isinstance(found, dict) or not isinstance(found.get("result"), dict):
            raise DeclarerUnavailable("the answer has no result")
        return found

    def _signed(self, at: str, body: str) -> bytes:
        return f"POST {urlsplit(self._url).path}\n{self._client_id}.{at}.{body}".encode()

    def _check_signature(self, answer: Reply) -> None:
        """Nobody but the enterprise may say that a payment is declared."""
        parts = dict(part.partition("=")[::2] for part in answer.headers.get("Signature", "").split(","))
        at = answer.headers.get("Response-Time", "")
        try:
            value = base64.b64decode(unquote(parts.get("signature", "")), validate=True)
            text = self._signed(at, answer.body.decode())
            self._provider.verify(value, text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            raise DeclarerUnavailable("the answer is not signed by the enterprise") from None

    def _read(self, order: PaymentOrder, answer: dict[str, Any]) -> Declared:
        result = answer["result"]
        status, code = result.get("resultStatus"), str(result.get("resultCode", ""))[:64]
        if status == "F":
            raise PaymentRefused(f"refused: {code}")
        if status != "S":
            raise DeclarerUnavailable(f"not decided: {code}")
        if answer.get("customsOrderId") != order.order_number:
            raise PaymentRefused("the enterprise has declared it for another order")
        number, cleared = answer.get("customsPaymentId"), answer.get("clearingTransactionId")
        if not isinstance(number, str) or not _NUMBER.match(number):
            raise PaymentRefused("the enterprise gave no number of the payment")
        if cleared is not None and (not isinstance(cleared, str) or not _NUMBER.match(cleared)):
            raise PaymentRefused("the clearing number cannot be read")
        told = answer.get("identityCheckResult")
        check = NOT_TOLD if told is None else _CHECKS.get(str(told), NOT_PASSED)
        return Declared(number, _CHANNELS.get(str(answer.get("clearingChannel")), OTHER), cleared, check)


def question(order: PaymentOrder) -> dict[str, Any]:
    """The body: amounts in fen as text; the order number is the sub-order's, so that it is the one customs will see."""
    return {
        "declarationRequestId": order.request_id,
        "paymentId": order.payment_id,
        "declarationAmount": {"currency": "CNY", "value": str(order.amount_fen)},
        "customs": {"customsCode": "ZONGSHU", "region": "CN"},
        "merchantCustomsInfo": {"merchantCustomsCode": order.merchant.code, "merchantCustomsName": order.merchant.name},
        "splitOrder": order.is_part,
        "subOrderId": order.order_number,
        "buyerCertificate": {
            "certificateType": "ID_CARD",
            "certificateNo": order.buyer.id_number,
            "holderName": {"fullName": order.buyer.name},
        },
    }
