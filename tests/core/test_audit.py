"""The audit chain names the row that somebody changed behind its back (F70)."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from core import audit
from core.database import db, transaction


@pytest.fixture(autouse=True)
def _entries(app: Any, database_url: str) -> Any:
    with app.app_context():
        with transaction() as session:
            for number in range(5):
                audit.record(session, "operator", "did", "thing", str(number), amount="1.00", name="林")
        with transaction() as session:
            assert audit.seal(session) == 5
        with transaction() as session:
            assert audit.seal(session) == 0
        yield


@pytest.fixture
def as_superuser(cluster: Any, database_url: str) -> Any:
    """What somebody with the database in their hands could do."""

    def run(statement: str) -> None:
        with psycopg.connect(cluster.conninfo(make_url(database_url).database), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)

    return run


def test_a_whole_chain_verifies() -> None:
    assert list(audit.verify(db.session())) == []


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"])
def test_the_table_refuses_change(statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text(statement))


def test_an_altered_row_is_named(as_superuser: Any) -> None:
    as_superuser("UPDATE audit_entry SET data = '{}' WHERE object_id = '2'")
    altered = db.session.scalar(text("SELECT id FROM audit_entry WHERE object_id = '2'"))
    assert any(f"audit_entry {altered} was altered" in line for line in audit.verify(db.session()))


def test_a_removed_seal_is_named(as_superuser: Any) -> None:
    as_superuser("DELETE FROM audit_seal WHERE position = 3")
    assert any("position 3: missing" in line for line in audit.verify(db.session()))
