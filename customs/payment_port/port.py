"""The port: what a payment enterprise is told of a payment, and what it says back. docs/window.md tells how to add one.

Only an enterprise registered with customs may declare payments, and customs believes its word on who paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from customs.window.facts import Company, Person

UNIONPAY, NETSUNION, OTHER = "1", "2", "3"  # verDept: who cleared the payment
PASSED, NOT_PASSED, NOT_TOLD = "passed", "not_passed", "not_told"


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One order's part of a payment. `request_id` stays while the same question is repeated, and is 32 characters.

    `order_number` is what customs will read in order and list, `payment_no` ours; `payment_id` and `payment_fen` are
    the enterprise's own number of the whole payment and its sum, which may cover several orders. `payer_name` is None
    when the payment did not tell it.
    """

    request_id: str
    order_number: str
    payment_no: str
    payment_id: str | None
    amount_fen: int
    payment_fen: int | None
    buyer: Person
    payer_name: str | None
    merchant: Company
    platform: Company
    office: str

    @property
    def is_part(self) -> bool:
        """Whether the payment covers more than this order."""
        return self.payment_fen is not None and self.amount_fen < self.payment_fen


@dataclass(frozen=True, slots=True)
class Declared:
    """The payment as customs will know it: `transaction_id` is payTransactionId of order and payment.

    `ver_dept` and `verified_no` are who cleared it and under which number, for the payment data that customs may ask
    for. `identity_check` is what the enterprise found on comparing payer and buyer.
    """

    transaction_id: str
    ver_dept: str = OTHER
    verified_no: str | None = None
    identity_check: str = NOT_TOLD


class DeclarerUnavailable(Exception):
    """It is not known whether the enterprise has taken it: ask again under the same request id."""


class PaymentRefused(Exception):
    """The enterprise will not declare this payment: the same question again cannot help."""


class Declarer(Protocol):
    """Declares payments; `files_411` says that the payment message is still ours to send."""

    name: str
    files_411: bool

    def declare(self, order: PaymentOrder) -> Declared:
        """Declare one payment; repeated under its request id it answers the same.

        Raises DeclarerUnavailable, PaymentRefused.
        """
        ...
