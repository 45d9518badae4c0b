"""An index for the statistics of operators: transitions of the last hours."""

from alembic import op

revision = "0009_confirmation_times"
down_revision = "0008_replica"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name, table = "ix_order_transition_created_at", "order_transition"
    with op.get_context().autocommit_block():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, ["created_at"], postgresql_using="brin", postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index("ix_order_transition_created_at", "order_transition")
