"""How often a used refresh token came again."""

import sqlalchemy as sa
from alembic import op

revision = "0009_refresh_token_repeats"
down_revision = "0008_refresh_token_made_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refresh_token", sa.Column("repeats", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("refresh_token", "repeats")
