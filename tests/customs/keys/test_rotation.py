"""A real rotation: half done and killed, beside people who tell their identity, and the former key thrown away."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from core import config
from core.config import ConfigError
from core.database import db, new_id, transaction
from customs import identity_hash, key_rotation, persons, sealing
from customs.models import AccountPerson, Person, WindowMessage
from customs.person_models import IdentityHashKey
from shop.app import create_app
from tests.customs.desk.builders import NUMBER, OTHER_NUMBER, account
from tests.customs.keys.conftest import text_of
from tests.customs.keys.test_sealing import nameless

ROOT = Path(__file__).resolve().parents[3]


def quiet(_what: str, _done: int) -> None:
    """Nobody watches."""


def tell(number: str = NUMBER, name: str = "张三") -> uuid.UUID:
    found = account()
    persons.set_identity(found, name, number, "13800000000")
    return found


def messages(count: int, secret: bytes) -> None:
    """Rows as they were before keys had names."""
    with transaction() as session:
        rows = [
            {"id": new_id(), "digest": os.urandom(32), "raw": nameless(b"<xml/>%d" % number, secret)}
            for number in range(count)
        ]
        session.execute(insert(WindowMessage), rows)


def left() -> int:
    return sum(found["old"] + found["other"] for _, found in key_rotation.count())


def test_everything_opens_and_everybody_is_found_without_the_former_key(use_keys: Any, fresh_key: bytes) -> None:
    former = config.current().identity_key
    mine = tell()
    messages(5, former)
    use_keys(fresh_key, former)
    assert left() > 5
    moved = {each.column: each.moved for each in key_rotation.rotate("test", quiet, batch=2)}
    assert moved["window_message.raw"] == 5
    assert moved["person.id_number_sealed"] == moved["account_person.name_sealed"] == 1
    assert moved["identity_hash_key.sealed"] == 1
    assert key_rotation.rotate("test", quiet) == []  # a second run finds nothing
    use_keys(fresh_key)
    assert left() == 0
    known = persons.identity_of(mine)
    assert known is not None
    assert persons.filing_person(db.session(), known.person_id, mine) == ("张三", NUMBER, "13800000000")
    other = tell(NUMBER.lower())  # found again by number: the hash key did not change
    again = persons.identity_of(other)
    assert again is not None
    assert again.person_id == known.person_id
    assert sealing.unseal(db.session.scalars(select(WindowMessage.raw)).first() or b"").startswith(b"<xml/>")
    db.session.rollback()


def test_persons_hashed_before_there_was_a_hash_key_are_found_after_the_key_was_changed(
    use_keys: Any, fresh_key: bytes
) -> None:
    """An installation of before: no row of the hash key, hashes made from the former IDENTITY_KEY."""
    former = config.current().identity_key
    mine = tell()
    with transaction() as session:
        session.execute(text("DELETE FROM identity_hash_key"))
    use_keys(fresh_key, former)
    assert persons.identity_of(tell()).person_id == persons.identity_of(mine).person_id  # type: ignore[union-attr]
    with transaction() as session:
        session.execute(text("DELETE FROM identity_hash_key"))
        session.execute(update(Person).values(id_hash=os.urandom(32)))
    with pytest.raises(LookupError, match="IDENTITY_KEYS_OLD"):
        tell()


def test_a_killed_run_goes_on_where_it_was(use_keys: Any, fresh_key: bytes, settings: Any) -> None:
    former = config.current().identity_key
    tell()
    messages(400, former)
    environment = {
        **os.environ, "LANDFALL_ENV": "test", "LANDFALL_VAR": str(settings.var), "SECRET_KEY": "s" * 40,
        "DATABASE_URL": settings.database_url, "STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x",
        "SINGLE_WINDOW_URL": "http://127.0.0.1:9", "SINGLE_WINDOW_RECEIPT_TOKEN": "t",
        "IDENTITY_KEY": text_of(fresh_key), "IDENTITY_KEYS_OLD": text_of(former),
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "identity", "rotate"]
    with subprocess.Popen(
        [*command, "--batch", "5"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            if line.startswith("  window_message.raw "):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    use_keys(fresh_key, former)
    half = dict(key_rotation.count())["window_message.raw"]
    assert half["present"] >= 5
    assert half["other"] > 0
    for row in db.session.scalars(select(WindowMessage.raw)):  # everything opens in between
        assert sealing.unseal(row).startswith(b"<xml/>")
    db.session.rollback()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, f"window_message.raw: {half['other']} sealed anew" in done.stdout) == (0, True)
    assert left() == 0
    status = subprocess.run([*command[:-1], "status"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert status.returncode == 0


def test_a_text_that_no_key_opens_is_named_and_does_not_stop_the_rest(use_keys: Any, fresh_key: bytes) -> None:
    former = config.current().identity_key
    messages(3, former)
    messages(1, os.urandom(32))
    use_keys(fresh_key, former)
    found = {each.column: each for each in key_rotation.rotate("test", quiet, batch=1)}
    raws = dict(key_rotation.count())["window_message.raw"]
    assert raws == {"present": 3, "old": 0, "other": 1}
    assert len(found["window_message.raw"].lost) == 1


def test_what_people_tell_meanwhile_is_never_overwritten(app: Any, use_keys: Any, fresh_key: bytes) -> None:
    """Five accounts tell new names over and over while everything is sealed anew: the last name told stands."""
    former = config.current().identity_key
    people = [tell(name="before") for _ in range(5)]
    messages(40, former)
    use_keys(fresh_key, former)
    stop, said = threading.Event(), dict.fromkeys(people, "before")
    faults: list[BaseException] = []

    def talk(who: uuid.UUID) -> None:
        with app.app_context():
            number = 0
            while not stop.is_set() or number < 3:
                number += 1
                try:
                    persons.set_identity(who, f"name {number}", NUMBER, "13800000000")
                    said[who] = f"name {number}"
                except BaseException as fault:
                    faults.append(fault)
                    return

    threads = [threading.Thread(target=talk, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            key_rotation.rotate("test", quiet, batch=1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    key_rotation.rotate("test", quiet)
    assert faults == []
    use_keys(fresh_key)
    assert {who: persons.identity_of(who).name for who in people} == said  # type: ignore[union-attr]
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1
    db.session.rollback()


def test_a_server_does_not_start_with_the_key_of_another_database(
    use_keys: Any, fresh_key: bytes, settings: Any
) -> None:
    former = config.current().identity_key
    assert identity_hash.fault() is None  # nobody is known yet
    tell()
    use_keys(fresh_key, former)
    create_app(config.current(), check_database=True)
    with pytest.raises(ConfigError, match="not the key of this database"):
        create_app(replace(settings, identity_key=fresh_key), check_database=True)


def test_an_instance_that_still_seals_under_the_former_key_is_caught_up_with(use_keys: Any, fresh_key: bytes) -> None:
    former = config.current().identity_key
    mine = tell()
    use_keys(fresh_key, former)
    key_rotation.rotate("test", quiet)
    use_keys(former, fresh_key)  # not restarted yet
    persons.set_identity(mine, "李四", OTHER_NUMBER, "13800000000")
    use_keys(fresh_key, former)
    assert left() == 3  # name, telephone and the new person's number
    key_rotation.rotate("test", quiet)
    use_keys(fresh_key)
    assert persons.identity_of(mine).name == "李四"  # type: ignore[union-attr]


def test_rehashing_keeps_everybody_and_leaves_no_old_hash(app: Any) -> None:
    mine = tell()
    tell(OTHER_NUMBER)
    before = set(db.session.scalars(select(Person.id_hash)))
    key = db.session.scalars(select(IdentityHashKey.sealed)).one()
    db.session.rollback()
    counts: list[int] = []
    assert identity_hash.rehash("test", counts.append) == 2
    assert counts == [2]
    assert not before & set(db.session.scalars(select(Person.id_hash)))
    assert sealing.unseal(db.session.scalars(select(IdentityHashKey.sealed)).one()) != sealing.unseal(key)
    db.session.rollback()
    again = tell(NUMBER.lower())
    assert persons.identity_of(again).person_id == persons.identity_of(mine).person_id  # type: ignore[union-attr]


def test_who_tells_an_identity_while_all_are_rehashed_is_one_person(app: Any) -> None:
    tell()
    start = threading.Barrier(5)

    def one() -> None:
        with app.app_context():
            start.wait()
            tell(OTHER_NUMBER)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    for _ in range(3):
        identity_hash.rehash("test", lambda _done: None)
    for thread in threads:
        thread.join()
    tell(OTHER_NUMBER)
    assert db.session.scalar(select(func.count()).select_from(Person)) == 2
    assert db.session.scalar(select(func.count()).select_from(AccountPerson)) == 6
    db.session.rollback()
