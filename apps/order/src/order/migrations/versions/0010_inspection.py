"""The index of an order's events, for operators who follow a payment."""

from alembic import op

revision = "0010_inspection"
down_revision = "0009_confirmation_times"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_partition_key", "outbox", ["partition_key"])


def downgrade() -> None:
    op.drop_index("ix_outbox_partition_key", "outbox")
