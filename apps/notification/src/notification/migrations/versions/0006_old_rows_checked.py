"""the old rows against 0005's constraints: a revision of its own, for under 0005's locks nobody could use the tables"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (
        ("notification_task", "kind"),
        ("notification_task", "state"),
        ("delivery_attempt", "outcome"),
    ):
        op.execute(f"alter table {table} validate constraint ck_{table}_{column}")


def downgrade() -> None:
    """A constraint that was validated stays so."""
