"""The planner learns how many listings a price band holds.

PostgreSQL keeps no figures of an expression that only partial indexes hold: it took a band for one listing in two
hundred, and sorted half the shelf where an index stands in the order asked for.

Revision ID: 0019_count_price_bands
Revises: 0018_keep_message_attempts
"""

from alembic import op

revision = "0019_count_price_bands"
down_revision = "0018_keep_message_attempts"
branch_labels = None
depends_on = None

BAND = "width_bucket(price_fen, '{5000,10000,20000,50000,200000,1000000}'::bigint[])"


def upgrade() -> None:
    op.execute(f"CREATE STATISTICS st_listing_band ON ({BAND}) FROM listing")
    op.execute("ANALYZE listing")


def downgrade() -> None:
    op.execute("DROP STATISTICS st_listing_band")
