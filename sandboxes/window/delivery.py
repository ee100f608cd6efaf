"""Delivery of receipts: POST to the receipts address until it is taken, each document's receipts in their order."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from sandboxes.window.store import Receipt, Store, epoch

TIMEOUT_SECONDS = 5
RETRY_SECONDS_MAX = 10
WORKERS = 4
IDLE_SECONDS = 1.0


class Delivery:
    """One thread that picks what is due and a few that send it."""

    def __init__(self, store: Store, url: str, token: str) -> None:
        self._store = store
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/xml"}
        self._busy: set[str] = set()
        self._workers = ThreadPoolExecutor(WORKERS)
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="delivery").start()

    def close(self) -> None:
        with self._store.lock:
            self._closed = True
            self._store.changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._store.lock:
                if self._closed:
                    return
                for receipt in self._due():
                    self._busy.add(receipt.lane)
                    self._workers.submit(self._deliver, receipt)
                self._store.changed.wait(self._pause())

    def _heads(self) -> list[Receipt]:
        """The first waiting receipt of every lane that nobody works on."""
        heads: dict[str, Receipt] = {}
        for receipt in sorted(self._store.waiting.values(), key=lambda one: one.number):
            heads.setdefault(receipt.lane, receipt)
        return [receipt for lane, receipt in heads.items() if lane not in self._busy]

    def _due(self) -> list[Receipt]:
        if self._store.paused:
            return []
        return [receipt for receipt in self._heads() if receipt.due <= epoch() or self._overtaken(receipt)]

    def _overtaken(self, receipt: Receipt) -> bool:
        """A reordered receipt goes once a later one of its document has arrived."""
        return bool(receipt.after) and self._store.last_delivered.get(receipt.of, 0) > receipt.number

    def _pause(self) -> float:
        if self._store.paused:
            return IDLE_SECONDS
        waits = [receipt.due - epoch() for receipt in self._heads()]
        return min([IDLE_SECONDS, *(max(wait, 0.005) for wait in waits)])

    def _deliver(self, receipt: Receipt) -> None:
        try:
            taken = self._post(receipt.xml)
            with self._store.step():
                if taken:
                    self._store.put(
                        type="delivery", number=receipt.number, state="delivered", attempts=receipt.attempts + 1
                    )
                else:
                    receipt.attempts += 1
                    receipt.due = epoch() + min(0.2 * 2 ** min(receipt.attempts, 8), RETRY_SECONDS_MAX)
        finally:
            with self._store.lock:
                self._busy.discard(receipt.lane)
                self._store.changed.notify_all()

    def _post(self, xml: str) -> bool:
        try:
            with requests.Session() as session:
                session.trust_env = False  # the platform is on this machine: no proxy
                answer = session.post(
                    self._url,
                    data=xml.encode(),
                    headers=self._headers,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException:
            return False
        if not answer.ok:
            print(f"a receipt was answered {answer.status_code}; it will be sent again", file=sys.stderr, flush=True)
        return 200 <= answer.status_code < 300
