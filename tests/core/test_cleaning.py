"""Tests share a database, so what brings it back to its first state must not miss a table."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from core.postgres_cluster import Cluster
from tests.databases import Cleaner, Databases

SCHEMA = """
    CREATE TABLE role (id int PRIMARY KEY, name text);
    INSERT INTO role VALUES (1, 'consumer'), (2, 'back\\slash	tab');
    CREATE TABLE account (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, role_id int NOT NULL REFERENCES role);
    CREATE TABLE entry (account_id int NOT NULL REFERENCES account, text text) PARTITION BY HASH (account_id);
    CREATE TABLE entry_0 PARTITION OF entry FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append-only'; END $$;
    CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.empty() as made:
        with psycopg.connect(made.replace("+psycopg", "")) as connection:
            connection.execute(SCHEMA)
        yield made


def _run(url: str, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def test_everything_is_as_before(url: str, cluster: Cluster) -> None:
    with Cleaner(cluster, url) as cleaner:
        _run(url, "INSERT INTO account (role_id) VALUES (1), (2)")
        _run(url, "INSERT INTO entry SELECT id, 'x' FROM account")
        _run(url, "INSERT INTO role VALUES (3, 'new'); UPDATE role SET name = 'changed' WHERE id = 1")
        cleaner.clean()
    assert _run(url, "SELECT count(*) FROM account") == [(0,)]
    assert _run(url, "SELECT count(*) FROM entry") == [(0,)]
    assert _run(url, "SELECT * FROM role ORDER BY id") == [(1, "consumer"), (2, "back\\slash\ttab")]
    with pytest.raises(psycopg.errors.RaiseException):
        _run(
            url, "INSERT INTO account (role_id) VALUES (1); INSERT INTO entry SELECT id FROM account; DELETE FROM entry"
        )


def test_a_lock_left_behind_fails_instead_of_hanging(url: str, cluster: Cluster) -> None:
    with Cleaner(cluster, url) as cleaner, psycopg.connect(url.replace("+psycopg", "")) as forgotten:
        forgotten.execute("INSERT INTO account (role_id) VALUES (1)")
        forgotten.commit()
        forgotten.execute("SELECT * FROM account FOR UPDATE")
        started = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            cleaner.clean()
        assert time.monotonic() - started < 15


def test_cleaning_is_quick(url: str, cluster: Cluster) -> None:
    for number in range(80):
        _run(url, f"CREATE TABLE t{number} (id int)")
    with Cleaner(cluster, url) as cleaner:
        spent = []
        for _ in range(5):
            _run(url, "INSERT INTO t1 VALUES (1); INSERT INTO t79 VALUES (1); INSERT INTO account (role_id) VALUES (1)")
            started = time.perf_counter()
            cleaner.clean()
            spent.append(time.perf_counter() - started)
    assert min(spent) < 0.1, "each of some thousand tests pays this"
