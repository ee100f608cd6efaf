"""Messages of requests for quotation know the attempt that wrote them, so that one repeated is not written twice.

Revision ID: 0018_keep_message_attempts
Revises: 0017_add_payment_care
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_keep_message_attempts"
down_revision = "0017_add_payment_care"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rfq_message", sa.Column("attempt_id", sa.Uuid()))
    op.create_unique_constraint(op.f("uq_rfq_message_attempt_id"), "rfq_message", ["attempt_id"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_rfq_message_attempt_id"), "rfq_message", type_="unique")
    op.drop_column("rfq_message", "attempt_id")
