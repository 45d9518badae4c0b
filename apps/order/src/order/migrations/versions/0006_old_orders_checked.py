"""the old rows against 0005's constraint: a revision of its own, for under 0005's lock nobody could use the table"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table homestay_order validate constraint ck_homestay_order_refund_state")


def downgrade() -> None:
    """A constraint that was validated stays so."""
