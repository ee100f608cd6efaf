"""Databases for tests: copied from one migrated template, emptied quickly between tests."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from core.embedded_postgres import create_database
from core.postgres_cluster import Cluster

TEMPLATE = "landfall_template"
_ROOT = Path(__file__).resolve().parent.parent
_LOCK = 0x7E57


class Databases:
    """Makes databases on the test server and drops them again."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database without any table."""
        with self._database("template0") as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database with the schema of all migrations, as `flask db upgrade` makes it."""
        self._ensure_template()
        with self._database(TEMPLATE) as url:
            yield url

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex[:12]}"
        create_database(self.cluster, name, template)
        try:
            yield self.cluster.url(name)
        finally:
            with self._maintenance() as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _maintenance(self) -> psycopg.Connection:
        return psycopg.connect(self.cluster.conninfo(), autocommit=True)

    def _ensure_template(self) -> None:
        """Migrate once for all workers; the finished template takes its name last."""
        with self._maintenance() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
                return
            half_made = f"{TEMPLATE}_{os.getpid()}"
            create_database(self.cluster, half_made)
            upgrade(self.cluster.url(half_made))
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(half_made), sql.Identifier(TEMPLATE)))


def upgrade(url: str, revision: str = "head") -> None:
    """Run the real migrations by the real command."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "LANDFALL_ENV": "test",
        "SECRET_KEY": "of the migration",
        "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "STRIPE_SECRET_KEY": "sk_test_unused",
        "STRIPE_WEBHOOK_SECRET": "whsec_unused",
        "SINGLE_WINDOW_URL": "http://127.0.0.1:9",
        "SINGLE_WINDOW_RECEIPT_TOKEN": "unused",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade", revision]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"flask db upgrade failed:\n{done.stdout}{done.stderr}")


class Cleaner:
    """Brings every table back to what it held when the cleaner was made.

    Deletes as superuser with triggers off: append-only tables and foreign keys do not matter then, and on small tables
    DELETE is many times faster than TRUNCATE, which makes new files.
    """

    def __init__(self, cluster: Cluster, url: str) -> None:
        name = url.partition("?")[0].rpartition("/")[2]
        self._connection = psycopg.connect(cluster.conninfo(name), autocommit=True)
        self._connection.execute("SET session_replication_role = replica")
        # A test that leaves a transaction open must fail with a reason, not hang the run.
        self._connection.execute("SET lock_timeout = '5s'")
        self._tables = [row[0] for row in self._connection.execute(_TABLES)]
        self._kept = {table: self._content(table) for table in self._filled(self._tables)}
        self._emptied = [table for table in self._tables if table not in self._kept]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def clean(self) -> None:
        """Empty what the migrations left empty, put back what a test changed in the rest."""
        filled = self._filled(self._emptied)
        if filled:
            self._connection.execute("; ".join(f"DELETE FROM {table}" for table in filled).encode())
        for table, content in self._kept.items():
            if self._content(table) != content:
                self._restore(table, content)

    def _filled(self, tables: list[str]) -> list[str]:
        query = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
        return [row[0] for row in self._connection.execute(query.encode())] if tables else []

    def _content(self, table: str) -> bytes:
        with self._connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
            return b"".join(copy)

    def _restore(self, table: str, content: bytes) -> None:
        with self._connection.transaction():
            self._connection.execute(f"DELETE FROM {table}".encode())
            with self._connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                copy.write(content)


_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""
