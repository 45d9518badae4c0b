"""a message that the money is back"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow("'paid', 'before_arrival', 'refunded'", unchecked=True)


def downgrade() -> None:
    """The constraint refuses it while there is a task of this kind."""
    _allow("'paid', 'before_arrival'")


def _allow(kinds: str, *, unchecked: bool = False) -> None:
    name = op.f("ck_notification_task_kind")
    op.drop_constraint(name, "notification_task")
    op.create_check_constraint(name, "notification_task", f"kind in ({kinds})", postgresql_not_valid=unchecked)
