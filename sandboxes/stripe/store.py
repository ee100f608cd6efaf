"""All objects of the sandbox, in memory; every change is a transaction that is one journal line.

An object is its Stripe JSON plus private fields that start with an underscore and never leave (`_account`, `_steps`).
"""

from __future__ import annotations

import copy
import secrets
import string
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sandboxes.stripe.errors import missing
from sandboxes.stripe.journal import Journal

Object = dict[str, Any]
KEY_LIFE_SECONDS = 24 * 3600
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


def public(value: Any) -> Any:
    """A copy without private fields, at any depth."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value


class Store:
    """Objects by id and by kind, idempotency records, and the lock that makes each step one after the other."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.lock = threading.RLock()
        self.kept: OrderedDict[str, Object] = OrderedDict()  # idempotency records by scope
        self.watchers: list[Callable[[Object], None]] = []  # told of every object put after the start
        self._objects: dict[str, Object] = {}
        self._kinds: dict[str, dict[str, None]] = {}
        for entry in journal.replay():
            self._apply(entry)

    def find(self, object_id: str) -> Object | None:
        """The stored object itself: read it, do not change it."""
        return self._objects.get(object_id)

    def newest(self, kind: str) -> Iterator[Object]:
        return (self._objects[object_id] for object_id in reversed(self._kinds.get(kind, {})))

    def oldest(self, kind: str) -> list[Object]:
        return [self._objects[object_id] for object_id in self._kinds.get(kind, {})]

    def remembered(self, scope: str, now: float) -> Object | None:
        """The answer kept under an idempotency key, for a day."""
        record = self.kept.get(scope)
        return record if record and record["at"] > now - KEY_LIFE_SECONDS else None

    @contextmanager
    def transaction(
        self, account: str | None = None, request: Mapping[str, Any] | None = None
    ) -> Iterator[Transaction]:
        """Changes made inside are journaled and applied together on a clean exit, or not at all."""
        with self.lock:
            tx = Transaction(self, account, dict(request or {}))
            yield tx
            self.commit(tx)

    def note(self, entry: Mapping[str, Any]) -> None:
        """Journal something that changed nothing; it may be lost in a crash."""
        with self.lock:
            self.journal.append({"at": round(time.time(), 3), **entry}, durable=False)

    def commit(self, tx: Transaction) -> None:
        entry = {
            "at": round(tx.now, 3),
            **tx.note,
            "put": list(tx.changed.values()),
            "gone": sorted(tx.gone),
            "keep": tx.keep,
        }
        entry = {key: value for key, value in entry.items() if value}
        self.journal.append(entry, durable=bool(tx.changed or tx.gone or tx.keep))
        self._apply(entry)
        for found in entry.get("put", ()):
            for watcher in self.watchers:
                watcher(found)

    def _apply(self, entry: Mapping[str, Any]) -> None:
        for found in entry.get("put", ()):
            self._objects[found["id"]] = found
            self._kinds.setdefault(found["object"], {})[found["id"]] = None
        for object_id in entry.get("gone", ()):
            found = self._objects.pop(object_id, None)
            if found is not None:
                del self._kinds[found["object"]][object_id]
        if record := entry.get("keep"):
            self.kept[record["scope"]] = record
            self.kept.move_to_end(record["scope"])
            self._forget_before(record["at"] - KEY_LIFE_SECONDS)

    def _forget_before(self, instant: float) -> None:
        while self.kept and next(iter(self.kept.values()))["at"] < instant:
            self.kept.popitem(last=False)


class Transaction:
    """One step's view of the store: copies to change, changes to commit."""

    def __init__(self, store: Store, account: str | None, note: Object) -> None:
        self.store = store
        self.account = account
        self.note = note
        self.now = time.time()
        self.changed: dict[str, Object] = {}
        self.gone: set[str] = set()
        self.keep: Object | None = None

    @property
    def created(self) -> int:
        return int(self.now)

    def find(self, object_id: Any, kind: str | None = None) -> Object | None:
        """A copy of the caller's own object, or None."""
        if not isinstance(object_id, str) or object_id in self.gone:
            return None
        found = self.changed.get(object_id) or self.store.find(object_id)
        if found is None or found.get("_account") != self.account or (kind and found["object"] != kind):
            return None
        return copy.deepcopy(found)

    def get(self, kind: str, object_id: Any, param: str = "id") -> Object:
        """As `find`; raises Stripe's 404 naming the parameter."""
        found = self.find(object_id, kind)
        if found is None:
            raise missing(kind, str(object_id)[:100], param)
        return found

    def newest(self, kind: str) -> Iterator[Object]:
        """The caller's own objects of a kind, newest first, as changed so far."""
        fresh = [found for found in self.changed.values() if found["object"] == kind]
        for found in reversed([f for f in fresh if self.store.find(f["id"]) is None]):
            yield found
        for found in self.store.newest(kind):
            current = self.changed.get(found["id"], found)
            if current.get("_account") == self.account and current["id"] not in self.gone:
                yield current

    def create(self, kind: str, prefix: str, fields: Mapping[str, Any]) -> Object:
        found = {
            "id": new_id(prefix),
            "object": kind,
            "created": self.created,
            "livemode": False,
            **fields,
            "_account": self.account,
        }
        return self.put(found)

    def put(self, found: Object) -> Object:
        self.changed[found["id"]] = copy.deepcopy(found)
        return found

    def drop(self, object_id: str) -> None:
        self.changed.pop(object_id, None)
        self.gone.add(object_id)
