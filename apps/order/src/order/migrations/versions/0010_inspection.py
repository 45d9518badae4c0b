"""The index of an order's events, for operators who follow a payment."""

from alembic import op

revision = "0010_inspection"
down_revision = "0009_confirmation_times"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_outbox_partition_key", "outbox", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_outbox_partition_key", "outbox", ["partition_key"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index("ix_outbox_partition_key", "outbox")
