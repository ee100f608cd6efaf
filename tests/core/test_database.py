"""One transaction per use case, and none while another system is asked."""

from typing import Any

import pytest
from sqlalchemy import text

from core import audit
from core.database import assert_no_transaction, db, new_id, transaction


@pytest.fixture(autouse=True)
def _context(app: Any, database_url: str) -> Any:
    with app.app_context():
        yield


def test_a_transaction_does_not_nest() -> None:
    with transaction(), pytest.raises(RuntimeError, match="already open"), transaction():
        pass


def test_an_error_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError), transaction() as session:
        audit.record(session, "a", "b", "c", "d")
        session.flush()
        raise ZeroDivisionError
    assert db.session.scalar(text("SELECT count(*) FROM audit_entry")) == 0


def test_no_outbound_call_inside_a_transaction() -> None:
    assert_no_transaction()
    with transaction(), pytest.raises(RuntimeError, match="outbound"):
        assert_no_transaction()


def test_ids_grow_with_time_and_are_version_7() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {one.version for one in ids} == {7}
    assert ids[0].int >> 80 <= ids[-1].int >> 80
