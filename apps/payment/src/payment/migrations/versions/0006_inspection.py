"""Indexes for operators who follow a payment: events of an order, refunds by WeChat's number."""

import sqlalchemy as sa
from alembic import op

revision = "0005_inspection"  # databases know it by this name, from before its file was numbered in order
down_revision = "0004_overview"
branch_labels = None
depends_on = None


def upgrade() -> None:
    known = sa.text("refund_id is not null")
    with op.get_context().autocommit_block():
        op.drop_index("ix_outbox_partition_key", "outbox", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_outbox_partition_key", "outbox", ["partition_key"], postgresql_concurrently=True)
        op.drop_index("ix_refund_refund_id", "refund", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_refund_refund_id", "refund", ["refund_id"], postgresql_where=known, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index("ix_refund_refund_id", "refund")
    op.drop_index("ix_outbox_partition_key", "outbox")
