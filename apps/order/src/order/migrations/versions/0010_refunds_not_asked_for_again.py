"""since when a refund has failed that its buyer does not ask for again"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("homestay_order", sa.Column("refund_failed_at", sa.DateTime(timezone=True), nullable=True))
    # Of the old ones the latest write is the nearest that is known.
    op.execute("update homestay_order set refund_failed_at = updated_at where refund_state = 'failed'")
    op.create_index(
        "ix_homestay_order_refund_failed",
        "homestay_order",
        ["id"],
        postgresql_where=sa.text("refund_state = 'failed' and trade_state = 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_homestay_order_refund_failed", table_name="homestay_order")
    op.drop_column("homestay_order", "refund_failed_at")
