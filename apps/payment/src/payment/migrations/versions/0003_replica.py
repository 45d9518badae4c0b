"""What each replica was last seen to do: operators read it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_replica"
down_revision = "0002_payout_stays"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "replica",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ticks", postgresql.JSONB(), nullable=False),
        sa.Column("received", postgresql.JSONB(), nullable=False),
        sa.Column("published", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_replica"),
    )


def downgrade() -> None:
    op.drop_table("replica")
