"""Finding a person again by number without opening anything: a keyed hash, under a key of its own.

The key is kept in the database, sealed as everything else, so a change of the sealing key leaves every hash as it is.
It is first made from the IDENTITY_KEY under which the persons known so far were hashed; `rehash` replaces it by a
random one, for a day on which that key is no secret any more.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import db, end_read, transaction
from customs import sealing
from customs.models import Person
from customs.person_models import IdentityHashKey

BATCH = 1000


def digest(session: Session, number: str) -> bytes:
    """32 bytes, equal for equal numbers. The key stays what it is until the caller's transaction ends.

    Raises LookupError when no key of the settings fits the hashes that stand in the database.
    """
    return _hash(_key(session, changing=False), number)


def fault() -> str | None:
    """Why no identity of this database can be opened or found, or None: the settings are those of another one."""
    sealed = db.session.scalar(select(IdentityHashKey.sealed))
    end_read()
    if sealed is None:
        return None
    try:
        sealing.unseal(sealed)
    except InvalidTag:
        return "IDENTITY_KEY: not the key of this database, nor is one of IDENTITY_KEYS_OLD"
    return None


def _hash(key: bytes, number: str) -> bytes:
    return hmac.digest(key, number.encode(), hashlib.sha256)


def _key(session: Session, *, changing: bool) -> bytes:
    statement = select(IdentityHashKey.sealed).with_for_update(read=not changing)
    sealed = session.scalar(statement)
    if sealed is None:
        first = upsert(IdentityHashKey).values(id=1, sealed=sealing.seal(_fitting(session)), made_at=clock.now())
        session.execute(first.on_conflict_do_nothing())
        sealed = session.scalars(statement).one()
    return sealing.unseal(sealed)


def _fitting(session: Session) -> bytes:
    """The hash key by which the persons known so far were found; there may be none yet."""
    derived = [sealing.derived(secret, b"hash") for secret in sealing.secrets()]
    known = session.execute(select(Person.id_hash, Person.id_number_sealed).limit(1)).first()
    if known is None:
        return derived[0]
    number = sealing.unseal(known.id_number_sealed).decode()
    fitting = [key for key in derived if hmac.compare_digest(_hash(key, number), known.id_hash)]
    if not fitting:
        raise LookupError("IDENTITY_KEYS_OLD lacks the key by which the persons of this database are found")
    return fitting[0]


def rehash(actor: str, note: Callable[[int], None]) -> int:
    """Hash every number under a new random key, all or none; whoever tells an identity meanwhile waits for the end.

    `note` is called with the count so far. Returns how many persons there are.
    """
    with transaction() as session:
        _key(session, changing=True)
        key, count, after = os.urandom(32), 0, uuid.UUID(int=0)
        while rows := _page(session, after):
            for row in rows:
                value = _hash(key, sealing.unseal(row.id_number_sealed).decode())
                session.execute(update(Person).where(Person.id == row.id).values(id_hash=value))
            count, after = count + len(rows), rows[-1].id
            note(count)
        session.execute(update(IdentityHashKey).values(sealed=sealing.seal(key), made_at=clock.now()))
        audit.record(session, actor, "identities_rehashed", "identity_hash_key", "1", persons=count)
    return count


def _page(session: Session, after: uuid.UUID) -> Sequence[Any]:
    page = select(Person.id, Person.id_number_sealed).where(Person.id > after).order_by(Person.id).limit(BATCH)
    return session.execute(page).all()
