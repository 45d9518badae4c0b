"""the old rows against 0002's constraint: a revision of its own, for under 0002's lock nobody could use the table"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table thing validate constraint ck_thing_colour")


def downgrade() -> None:
    """A constraint that was validated stays so."""
