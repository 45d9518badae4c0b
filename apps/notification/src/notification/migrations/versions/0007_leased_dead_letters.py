"""dead letters as leased work"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("dead_letter", "next_attempt_at", new_column_name="due_at")
    op.alter_column("dead_letter", "attempts", new_column_name="tries")
    op.add_column("dead_letter", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("dead_letter", "leased_until")
    op.alter_column("dead_letter", "tries", new_column_name="attempts")
    op.alter_column("dead_letter", "due_at", new_column_name="next_attempt_at")
