"""the old rows against 0006's constraint: a revision of its own, for under 0006's lock nobody could use the table"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table refund validate constraint ck_refund_elsewhere_after_abnormal")


def downgrade() -> None:
    """A constraint that was validated stays so."""
