"""queries and refunds as leased work: due_at, leased_until, tries"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("third_payment", "next_query_at", new_column_name="due_at")
    op.alter_column("third_payment", "queries", new_column_name="tries", server_default="0")
    op.alter_column("refund", "next_attempt_at", new_column_name="due_at")
    op.alter_column("refund", "tries", server_default="0")
    for table in ("third_payment", "refund"):
        op.add_column(table, sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    op.execute("alter index ix_third_payment_query_due rename to ix_third_payment_due")


def downgrade() -> None:
    op.execute("alter index ix_third_payment_due rename to ix_third_payment_query_due")
    for table in ("third_payment", "refund"):
        op.drop_column(table, "leased_until")
    op.alter_column("refund", "tries", server_default=None)
    op.alter_column("refund", "due_at", new_column_name="next_attempt_at")
    op.alter_column("third_payment", "tries", new_column_name="queries", server_default=None)
    op.alter_column("third_payment", "due_at", new_column_name="next_query_at")
