"""Delivery of receipts until they are taken, each document's in their order."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import requests

from sandboxes.window.queue import Queue, Receipt
from sandboxes.window.store import Store

TIMEOUT_SECONDS = 5
UNREACHED_SECONDS = 0.5
WORKERS = 4
IDLE_SECONDS = 1.0
TAKEN, UNREACHED = "taken", "unreached"


class Post(Protocol):
    """How a receipt reaches its filer: gives TAKEN, UNREACHED or the answer that refused it."""

    def deliver(self, receipt: Receipt) -> str: ...


class HttpPost:
    """POSTs to the receipts address."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/xml"}

    def deliver(self, receipt: Receipt) -> str:
        try:
            with requests.Session() as session:
                session.trust_env = False  # the platform is on this machine: no proxy
                answer = session.post(
                    self._url,
                    data=receipt.xml.encode(),
                    headers=self._headers,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException:
            return UNREACHED
        return TAKEN if 200 <= answer.status_code < 300 else str(answer.status_code)


class Delivery:
    """One thread that picks what is due and a few that send it."""

    def __init__(self, store: Store, queue: Queue, post: Post) -> None:
        self._store = store
        self._queue = queue
        self._post = post
        self._busy: set[str] = set()
        self._workers = ThreadPoolExecutor(WORKERS)
        self._rest = 0.0
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="delivery").start()

    def close(self) -> None:
        with self._store.lock:
            self._closed = True
            self._store.changed.notify_all()
        self._workers.shutdown()

    def _run(self) -> None:
        while True:
            with self._store.lock:
                if self._closed:
                    return
                found = [] if self._store.paused else self._queue.due()
                picked = [receipt for receipt in found if receipt.lane not in self._busy][: 2 * WORKERS]
                for receipt in picked:
                    self._busy.add(receipt.lane)
                    self._workers.submit(self._deliver, receipt)
                rest, self._rest = self._rest, 0.0
                wait = IDLE_SECONDS if self._store.paused or found else self._queue.wait_seconds(IDLE_SECONDS)
                if not rest:
                    self._store.changed.wait(max(wait, 0.005))
            if rest:  # nobody is there: all receipts wait a little, and the queue is not read meanwhile
                threading.Event().wait(rest)

    def _deliver(self, receipt: Receipt) -> None:
        try:
            answer = self._post.deliver(receipt)
            if answer == TAKEN:
                self._queue.delivered(receipt)
            else:
                self._queue.refused(receipt, answer)
        except Exception:  # a full disk, for one: the receipt waits on, and so do the others
            sys.excepthook(*sys.exc_info())
            answer = UNREACHED
        finally:
            with self._store.lock:
                self._busy.discard(receipt.lane)
                if answer == UNREACHED:
                    self._rest = UNREACHED_SECONDS
                self._store.changed.notify_all()
