"""The courier: signed webhooks, delivered until the endpoint says 2xx, with growing pauses between the tries."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import http.client
import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from sandboxes.stripe import faults
from sandboxes.stripe.events import DELIVERY
from sandboxes.stripe.store import Object, Store, public

PAUSES = (0.2, 1.0, 5.0, 15.0, 30.0, 60.0)  # seconds; the last one repeats
GIVE_UP_SECONDS = 3 * 86400
ANSWER_SECONDS = 10.0
WORKERS = 8


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over `<timestamp>.<payload>` with the endpoint's secret."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def payload_of(event: Object, lie: str | None) -> bytes:
    shown = public(event)
    if lie:
        shown["data"]["object"] = faults.lie(shown["data"]["object"], lie)
    return json.dumps(shown, ensure_ascii=False, indent=2).encode("utf-8")


class Courier:
    """Watches the store for deliveries and carries them out on a few threads; what is left survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due: list[tuple[float, str]] = []
        self._tries: dict[str, int] = {}
        self._change = threading.Condition()
        self._stopped = False
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="courier")
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        with self._store.lock:
            self._store.watchers.append(self._notice)
            for delivery in self._store.oldest(DELIVERY):
                self._notice(delivery)
        self._thread.start()

    def stop(self) -> None:
        with self._change:
            self._stopped = True
            self._change.notify()
        self._thread.join(timeout=5)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _notice(self, found: Object) -> None:
        if found["object"] == DELIVERY:
            for _ in range(found["copies"]):
                self._schedule(found["not_before"], found["id"])

    def _schedule(self, instant: float, delivery_id: str) -> None:
        with self._change:
            heapq.heappush(self._due, (instant, delivery_id))
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                if self._stopped:
                    return
                wait = self._due[0][0] - time.time() if self._due else None
                if wait is None or wait > 0:
                    self._change.wait(wait)
                    continue
                _, delivery_id = heapq.heappop(self._due)
            self._pool.submit(self._carry, delivery_id)

    def _carry(self, delivery_id: str) -> None:
        with self._store.lock:
            delivery = self._store.find(delivery_id)
            endpoint = self._store.find(delivery["endpoint"]) if delivery else None
            event = self._store.find(delivery["event"]) if delivery else None
        if delivery is None or event is None:
            return
        if endpoint is None or endpoint["status"] != "enabled":
            self._finish(delivery, "dropped", None)
            return
        payload = payload_of(event, delivery.get("lie"))
        status = _post(endpoint["url"], payload, endpoint["_secret"])
        self._settle(delivery, endpoint, status)

    def _settle(self, delivery: Object, endpoint: Object, status: int | None) -> None:
        tries = self._tries[delivery["id"]] = self._tries.get(delivery["id"], 0) + 1
        if status is not None and 200 <= status < 300:
            self._release_held(delivery)
            self._finish(delivery, "delivered", status)
        elif time.time() > delivery["created"] + GIVE_UP_SECONDS:
            self._finish(delivery, "failed", status)
        else:
            self._store.note({**_note(delivery, "retry", status), "attempt": tries, "url": endpoint["url"]})
            pause = PAUSES[min(tries, len(PAUSES)) - 1]
            self._schedule(time.time() + pause, delivery["id"])

    def _finish(self, delivery: Object, outcome: str, status: int | None) -> None:
        """Journal one outcome; the delivery is forgotten when its last copy is through."""
        with self._store.lock:
            current = self._store.find(delivery["id"])
            if current is None:
                return
            with self._store.transaction(None, _note(delivery, outcome, status)) as tx:
                left = current["copies"] - 1
                if left <= 0 or outcome != "delivered":
                    tx.drop(delivery["id"])
                    self._tries.pop(delivery["id"], None)
                else:
                    current["copies"] = left  # in memory only: after a crash the copies may come again, as at Stripe

    def _release_held(self, delivered: Object) -> None:
        """A reordered event goes out once a later one of the same endpoint has arrived."""
        with self._store.lock:
            queue = self._store.oldest(DELIVERY)
            earlier = queue[: next((i for i, each in enumerate(queue) if each["id"] == delivered["id"]), 0)]
            waiting = [e["id"] for e in earlier if e.get("held") and e["endpoint"] == delivered["endpoint"]]
        for delivery_id in waiting:
            self._schedule(time.time(), delivery_id)


def _note(delivery: Object, outcome: str, status: int | None) -> Object:
    return {
        "kind": "delivery",
        "event": delivery["event"],
        "endpoint": delivery["endpoint"],
        "outcome": outcome,
        "status": status,
    }


def _post(url: str, payload: bytes, secret: str) -> int | None:
    """The status the endpoint answered with, or None where there was no answer. Redirects are not followed."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature(payload, secret, int(time.time())),
    }
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", target, payload, headers)
        answer = connection.getresponse()
        answer.read(65536)
        return answer.status
    except (OSError, http.client.HTTPException, ssl.SSLError):
        return None
    finally:
        connection.close()
