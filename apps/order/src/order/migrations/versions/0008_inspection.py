"""The index of an order's events, for operators who follow a payment."""

from alembic import op

revision = "0008_inspection"
down_revision = "0007_night_units"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_partition_key", "outbox", ["partition_key"])


def downgrade() -> None:
    op.drop_index("ix_outbox_partition_key", "outbox")
