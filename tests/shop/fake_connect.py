"""Stripe Connect in process: transfers within what is there, reversals, and payouts from merchants' accounts to banks."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from shop.stripe_connect import Account, BankPayout
from shop.stripe_gateway import GatewayRefused
from shop.stripe_http import Exchange
from shop.stripe_objects import Transfer


def exchange(status: int = 200) -> Exchange:
    return Exchange("POST /v1/connect", "{}", status)


class FakeConnect:
    """What FakeStripe promises of Connect. `bank` is what the bank says of a payout, `refuses` what Stripe says of a
    transfer; `interrupt` is called after the effect of a call and may raise, as when the answer is lost."""

    lock: threading.Lock
    by_key: dict[str, Any]
    _enter: Callable[[str], None]

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.transfers: dict[str, Transfer] = {}
        self.groups: dict[str, str] = {}
        self.bank_payouts: dict[str, tuple[str, BankPayout]] = {}
        self.bank = "paid"
        self.refuses: str | None = None
        self.capable = True
        self.interrupt: Callable[[str], None] = lambda call: None

    def _kept(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self.by_key:
            self.by_key[key] = make()
        return self.by_key[key]

    def create_account(self, email: str, idempotency_key: str, metadata: Any, *, bank: Any = None) -> str:
        with self.lock:
            self._enter("create_account")

            def make() -> str:
                name = f"acct_{uuid.uuid4().hex[:16]}"
                self.accounts[name] = Account(exchange(), id=name, capable=self.capable, payable=True)
                return name

            return self._kept(idempotency_key, make)

    def retrieve_account(self, account_id: str) -> Account:
        with self.lock:
            self._enter("retrieve_account")
            if account_id not in self.accounts:
                raise GatewayRefused("account_invalid", "no such account", exchange(403))
            return replace(self.accounts[account_id], capable=self.capable)

    def transfer(
        self,
        amount_fen: int,
        currency: str,
        destination: str,
        idempotency_key: str,
        metadata: Any,
        *,
        group: str | None = None,
    ) -> Transfer:
        with self.lock:
            self._enter("transfer")
            if self.refuses and idempotency_key not in self.by_key:
                raise GatewayRefused(self.refuses, "no", exchange(400))

            def make() -> Transfer:
                made = Transfer(
                    exchange(),
                    id=f"tr_{uuid.uuid4().hex}",
                    amount_fen=amount_fen,
                    reversed_fen=0,
                    currency=currency,
                    destination=destination,
                    created=0,
                    metadata=dict(metadata),
                )
                self.transfers[made.id], self.groups[made.id] = made, group or ""
                return made

            made = self._kept(idempotency_key, make)
            self.interrupt("transfer")
            return made

    def retrieve_transfer(self, transfer_id: str) -> Transfer:
        with self.lock:
            self._enter("retrieve_transfer")
            return self.transfers[transfer_id]

    def reverse_transfer(self, transfer_id: str, amount_fen: int, idempotency_key: str) -> Transfer:
        with self.lock:
            self._enter("reverse_transfer")

            def make() -> str:
                made = self.transfers[transfer_id]
                if made.reversed_fen + amount_fen > made.amount_fen:
                    raise GatewayRefused("transfer_reversal_too_large", "too much", exchange(400))
                self.transfers[transfer_id] = replace(made, reversed_fen=made.reversed_fen + amount_fen)
                return transfer_id

            self._kept(idempotency_key, make)
            self.interrupt("reverse_transfer")
            return self.transfers[transfer_id]

    def list_transfers(self, *, group: str | None = None, created_after: int | None = None) -> Iterator[Transfer]:
        with self.lock:
            self._enter("list_transfers")
            found = [each for each in self.transfers.values() if group is None or self.groups[each.id] == group]
        yield from reversed(found)

    def pay_bank(self, account_id: str, amount_fen: int, currency: str, key: str, payout: str) -> BankPayout:
        with self.lock:
            self._enter("pay_bank")

            def make() -> str:
                made = BankPayout(
                    exchange(),
                    id=f"po_{uuid.uuid4().hex}",
                    amount_fen=amount_fen,
                    currency=currency,
                    status=self.bank,
                    metadata={"payout": payout},
                    failure_code="account_closed" if self.bank == "failed" else None,
                )
                self.bank_payouts[made.id] = (account_id, made)
                return made.id

            made = self._kept(key, make)
            self.interrupt("pay_bank")
            return self.bank_payouts[made][1]

    def retrieve_bank_payout(self, account_id: str, payout_id: str) -> BankPayout:
        with self.lock:
            self._enter("retrieve_bank_payout")
            account, made = self.bank_payouts[payout_id]
            assert account == account_id, "asked in another account's name"
            return made

    def list_bank_payouts(self, account_id: str) -> Iterator[BankPayout]:
        with self.lock:
            self._enter("list_bank_payouts")
            found = [made for account, made in self.bank_payouts.values() if account == account_id]
        yield from reversed(found)

    def bank_says(self, payout_id: str, status: str) -> None:
        """The bank takes a payout, or sends it back."""
        with self.lock:
            account, made = self.bank_payouts[payout_id]
            code = "account_closed" if status == "failed" else None
            self.bank_payouts[payout_id] = (account, replace(made, status=status, failure_code=code))

    def received(self) -> int:
        """What merchants' accounts have received and kept, in fen."""
        return sum(each.amount_fen - each.reversed_fen for each in self.transfers.values())
