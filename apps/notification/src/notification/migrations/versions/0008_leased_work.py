"""the due time of a task as that of all leased work"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("notification_task", "next_attempt_at", new_column_name="due_at")


def downgrade() -> None:
    op.alter_column("notification_task", "due_at", new_column_name="next_attempt_at")
