"""The job queue: procrastinate's own schema, unchanged.

Revision ID: 0002_create_jobs
Revises: 0001_create_core
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002_create_jobs"
down_revision = "0001_create_core"
branch_labels = None
depends_on = None


def _run(script: str) -> None:
    # Straight to the driver: the script holds per-cent signs that a bound statement would read as parameters.
    op.get_bind().connection.driver_connection.execute(script)


def upgrade() -> None:
    _run(SchemaManager.get_schema())


def downgrade() -> None:
    _run(
        """
        DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
        DO $$ DECLARE thing record; BEGIN
            FOR thing IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
                EXECUTE 'DROP FUNCTION ' || thing.name || ' CASCADE';
            END LOOP;
            FOR thing IN SELECT typname AS name FROM pg_type WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c')
                AND NOT EXISTS (SELECT FROM pg_class c WHERE c.reltype = pg_type.oid) LOOP
                EXECUTE 'DROP TYPE ' || thing.name || ' CASCADE';
            END LOOP;
            FOR thing IN SELECT typname AS name FROM pg_type t JOIN pg_class c ON c.reltype = t.oid
                WHERE typname LIKE 'procrastinate\\_%' AND c.relkind = 'c' LOOP
                EXECUTE 'DROP TYPE ' || thing.name || ' CASCADE';
            END LOOP;
        END $$;
        """
    )
