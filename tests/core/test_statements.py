"""Statements past the mapper: rows of several tables at once, single changes, and plans that last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from core import audit
from core.accounts import Role
from core.connections import LastingConnection
from core.database import change, changes, db, read, reads, transaction, write, write_with
from core.prepared import FEW, among

ROLE = {"id": 901, "name": "tester"}


@pytest.fixture(autouse=True)
def _context(app: Any, database_url: str) -> Any:
    with app.app_context():
        yield


def entry(**data: Any) -> dict[str, Any]:
    return audit.row_of("somebody", "did", "thing", "1", **data)


def told() -> list[Any]:
    db.session.rollback()
    return list(db.session.execute(text("SELECT at, actor, data FROM audit_entry ORDER BY id")))


def test_rows_of_two_tables_are_written_as_they_are_given() -> None:
    rows = [entry(text='早 "quoted" \\ line\nend', none=None, deep=[{"n": 1.5}]), entry()]
    with transaction() as session:
        assert write(session, {Role.__table__: [ROLE], audit.ENTRIES: rows})
    assert [tuple(row) for row in told()] == [(row["at"], row["actor"], row["data"]) for row in rows]
    assert db.session.get_one(Role, 901).description == ""  # the default of what was not named


def test_nothing_of_it_is_written_when_the_first_row_is_known() -> None:
    with transaction() as session:
        assert write(session, {Role.__table__: [ROLE], audit.ENTRIES: [entry()]}, once="name")
    with transaction() as session:
        again = {**ROLE, "id": 902}
        assert not write(session, {Role.__table__: [again], audit.ENTRIES: [entry(), entry()]}, once="name")
    assert len(told()) == 1


def test_nothing_to_write_is_no_statement() -> None:
    with transaction() as session:
        assert not write(session, {audit.ENTRIES: []})


def test_a_change_is_committed_by_itself_and_never_inside_a_transaction() -> None:
    statement = "INSERT INTO role (id, name, description) VALUES (%(id)s, %(name)s, '') RETURNING name"
    assert change(statement, ROLE)[0].name == "tester"
    with transaction(), pytest.raises(RuntimeError, match="a transaction is open"):
        change(statement, {**ROLE, "id": 903})
    assert [row.id for row in read("SELECT id FROM role WHERE id > 900", {})] == [901]


def test_a_read_inside_a_transaction_sees_what_it_has_written() -> None:
    with transaction() as session:
        session.add(Role(id=904, name="fresh"))
        assert [row.name for row in read("SELECT name FROM role WHERE id = %(id)s", {"id": 904})] == ["fresh"]
        session.rollback()
    assert read("SELECT name FROM role WHERE id = %(id)s", {"id": 904}) == []


def prepared(connection: Any) -> int:
    """How many statements the server has prepared for this connection."""
    return int(connection.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False).fetchone()[0])


def test_prepared_statements_outlive_a_rollback_but_not_a_failed_transaction() -> None:
    pooled = db.engine.raw_connection()
    connection: Any = pooled.driver_connection
    assert isinstance(connection, LastingConnection)
    connection.rollback()
    before = prepared(connection)
    connection.execute("SELECT 1 AS lasting", prepare=True)
    connection.rollback()
    assert prepared(connection) == before + 1
    assert connection.info.transaction_status.name == "INTRANS"
    with pytest.raises(Exception, match="division by zero"):
        connection.execute("SELECT 1 / 0")
    connection.rollback()
    assert prepared(connection) == 0
    pooled.close()


def test_what_is_rolled_back_is_gone() -> None:
    pooled = db.engine.raw_connection()
    connection: Any = pooled.driver_connection
    now = datetime.now(UTC)
    connection.execute("INSERT INTO audit_entry (at, actor, action, object_type, object_id, data)"
                       " VALUES (%s, 'a', 'b', 'c', 'd', '{}')", (now,))  # fmt: skip
    connection.rollback()
    pooled.close()
    assert told() == []


RENAME = ("UPDATE role SET name = %(name)s WHERE id = %(id)s RETURNING id", {"id": 901, "name": "renamed"})


def test_rows_and_other_statements_go_together_and_are_counted() -> None:
    with transaction() as session:
        write(session, {Role.__table__: [ROLE]})
    nobody = (RENAME[0], {"id": 999, "name": "nobody"})
    with transaction() as session:
        counts = write_with(session, {audit.ENTRIES: [entry(), entry()]}, [RENAME, nobody])
    assert counts == [2, 1, 0]
    assert read("SELECT name FROM role WHERE id = 901", {})[0].name == "renamed"


def test_a_known_first_row_is_told_and_what_refers_to_it_is_not_written() -> None:
    with transaction() as session:
        write(session, {Role.__table__: [ROLE]})
        rows = {Role.__table__: [{**ROLE, "id": 905}], audit.ENTRIES: [entry()]}
        assert write_with(session, rows, [RENAME], once="name") == [0, 1]
    assert told() == []


def test_changes_are_committed_together_or_not_at_all() -> None:
    change("INSERT INTO role (id, name, description) VALUES (901, 'tester', ''), (902, 'other', '')", {})
    changes([RENAME, (RENAME[0], {"id": 902, "name": "second"})])
    names = "SELECT name FROM role WHERE id > 900 ORDER BY id"
    assert [row.name for row in read(names, {})] == ["renamed", "second"]
    with pytest.raises(Exception, match="uq_role_name"):
        changes([(RENAME[0], {"id": 901, "name": "third"}), (RENAME[0], {"id": 902, "name": "third"})])
    assert [row.name for row in read(names, {})] == ["renamed", "second"]


def test_several_reads_are_answered_in_their_order_inside_a_transaction_too() -> None:
    asked = [("SELECT %(n)s + 1 AS n", {"n": 1}), ("SELECT 'a' AS word UNION SELECT 'b' ORDER BY word", {})]
    assert [[tuple(row) for row in rows] for rows in reads(asked)] == [[(2,)], [("a",), ("b",)]]
    with transaction() as session:
        session.add(Role(id=904, name="fresh"))
        assert reads([("SELECT name FROM role WHERE id = 904", {})])[0][0].name == "fresh"
        session.rollback()


def test_one_bad_read_fails_all_and_leaves_the_connection_sound() -> None:
    with pytest.raises(Exception, match="division by zero"):
        reads([("SELECT 1 AS one", {}), ("SELECT 1 / 0 AS none", {}), ("SELECT 2 AS two", {})])
    assert reads([("SELECT 1 AS one", {})])[0][0].one == 1


@pytest.mark.parametrize("count", [0, 3, FEW, FEW + 1])
def test_among_finds_the_same_however_many_are_named(count: int) -> None:
    numbers, values = among("number", range(count), "integer")
    found = read(f"SELECT n FROM generate_series(0, 30) AS n WHERE n = ANY({numbers}) ORDER BY n", values)
    assert [row.n for row in found] == list(range(count))
