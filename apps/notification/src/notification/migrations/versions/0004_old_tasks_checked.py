"""the old rows against 0003's constraint: a revision of its own, for under 0003's lock nobody could use the table"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table notification_task validate constraint ck_notification_task_kind")


def downgrade() -> None:
    """A constraint that was validated stays so."""
