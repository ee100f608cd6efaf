"""The platform's own 411, in the name of the payment enterprise of the parties: the sandbox's way."""

from __future__ import annotations

from customs.payment_port.port import NOT_PASSED, NOT_TOLD, PASSED, Declared, PaymentOrder, PaymentRefused
from customs.persons import same_name


class OwnMessage:
    """Asks nobody: the number is ours, and the payer is who the payment method names."""

    name = "own"
    files_411 = True

    def declare(self, order: PaymentOrder) -> Declared:
        check_amount(order)
        return Declared(order.payment_no, identity_check=_check(order))


def check_amount(order: PaymentOrder) -> None:
    """Not more is declared than was paid. Raises PaymentRefused."""
    if order.amount_fen <= 0 or (order.payment_fen is not None and order.amount_fen > order.payment_fen):
        raise PaymentRefused("the amount is not within what was paid")


def _check(order: PaymentOrder) -> str:
    if order.payer_name is None:
        return NOT_TOLD
    return PASSED if same_name(order.payer_name, order.buyer.name) else NOT_PASSED
