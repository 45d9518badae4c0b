"""An index for the statistics of operators: transitions of the last hours."""

from alembic import op

revision = "0009_confirmation_times"
down_revision = "0008_replica"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_order_transition_created_at", "order_transition", ["created_at"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("ix_order_transition_created_at", "order_transition")
