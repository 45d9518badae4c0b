"""When a refresh made a token: a session rotates at most once in five seconds."""

import sqlalchemy as sa
from alembic import op

revision = "0008_refresh_token_made_at"
down_revision = "0007_sign_in_failures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refresh_token", sa.Column("made_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("refresh_token", "made_at")
