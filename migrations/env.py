"""How migrations run: one at a time, each in its own transaction, never waiting long for a lock."""

from alembic import context
from flask import current_app
from sqlalchemy import text

_LOCK = 0x1A4DFA10

database = current_app.extensions["migrate"].db


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    """procrastinate keeps its own tables; partitions belong to their parent."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def _run(connection: object) -> None:
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        include_object=_ours,
        transaction_per_migration=True,
        **current_app.extensions["migrate"].configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=database.engine.url, target_metadata=database.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with database.engine.connect() as guard, database.engine.connect() as connection:
        # Two hosts that start at once must not migrate at once.
        guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        _run(connection)
        guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
