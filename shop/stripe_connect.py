"""Stripe Connect: merchants' accounts, transfers to them and back, and the payouts from there to their banks.

The half of the gateway that pays; `shop.stripe_gateway` holds the half that is paid, and the wire under both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shop import stripe_objects as objects
from shop.stripe_http import Exchange
from shop.stripe_objects import Refund, Transfer

BANK_STATUSES = frozenset({"pending", "in_transit", "paid", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Account(objects._Answered):
    """A connected account. `capable`: transfers may go there; `payable`: it pays out to its bank."""

    id: str
    capable: bool
    payable: bool


@dataclass(frozen=True, slots=True)
class BankPayout(objects._Answered):
    """Money on its way from a connected account to its bank."""

    id: str
    amount_fen: int
    currency: str
    status: str
    metadata: Mapping[str, str]
    failure_code: str | None


def account(data: Mapping[str, Any], exchange: Exchange) -> Account:
    objects._is(data, "account")
    capabilities = data.get("capabilities")
    transfers = capabilities.get("transfers") if isinstance(capabilities, Mapping) else None
    return Account(
        exchange,
        id=objects.text(data, "id"),
        capable=transfers == "active",
        payable=data.get("payouts_enabled") is True,
    )


def bank_payout(data: Mapping[str, Any], exchange: Exchange) -> BankPayout:
    objects._is(data, "payout")
    return BankPayout(
        exchange,
        id=objects.text(data, "id"),
        amount_fen=objects.number(data, "amount"),
        currency=objects.text(data, "currency"),
        status=objects._one_of(data, "status", BANK_STATUSES),
        metadata=objects._metadata(data),
        failure_code=objects._optional(data, "failure_code"),
    )


class ConnectCalls:
    """The calls, for a gateway that has `_client`, `_ask` and `_pages`. Each raises as the gateway's own do."""

    _client: Any
    _ask: Callable[..., Any]
    _pages: Callable[..., Iterator[Any]]

    def retrieve_account(self, account_id: str) -> Account:
        found: Account = self._ask(account, lambda: self._client.accounts.retrieve(account_id))
        return found

    def retrieve_transfer(self, transfer_id: str) -> Transfer:
        found: Transfer = self._ask(objects.transfer, lambda: self._client.transfers.retrieve(transfer_id))
        return found

    def list_transfers(self, *, group: str | None = None, created_after: int | None = None) -> Iterator[Transfer]:
        """Transfers of a group, or those made at or after an instant, newest first, page by page."""
        asked: dict[str, Any] = {"transfer_group": group} if group else {"created": {"gte": created_after or 0}}
        yield from self._pages(objects.transfer, self._client.transfers.list, asked)

    def list_refunds_since(self, created_after: int) -> Iterator[Refund]:
        """All refunds made at or after an instant, newest first, page by page."""
        yield from self._pages(objects.refund, self._client.refunds.list, {"created": {"gte": created_after}})

    def pay_bank(
        self, account_id: str, amount_fen: int, currency: str, idempotency_key: str, payout: str
    ) -> BankPayout:
        """Send what a transfer brought to a connected account on to its bank, in that account's name."""
        asked: Any = {"amount": amount_fen, "currency": currency, "metadata": {"payout": payout}}
        options = {**_key(idempotency_key), "stripe_account": account_id}
        found: BankPayout = self._ask(bank_payout, lambda: self._client.payouts.create(asked, options))
        return found

    def retrieve_bank_payout(self, account_id: str, payout_id: str) -> BankPayout:
        found: BankPayout = self._ask(
            bank_payout, lambda: self._client.payouts.retrieve(payout_id, {}, {"stripe_account": account_id})
        )
        return found

    def list_bank_payouts(self, account_id: str) -> Iterator[BankPayout]:
        """All payouts of a connected account, newest first, page by page."""

        def fetch(asked: dict[str, Any]) -> Any:
            return self._client.payouts.list(asked, {"stripe_account": account_id})

        yield from self._pages(bank_payout, fetch, {})


def _key(idempotency_key: str) -> dict[str, Any]:
    if not idempotency_key:
        raise ValueError("an idempotency key is required")
    return {"idempotency_key": idempotency_key}
