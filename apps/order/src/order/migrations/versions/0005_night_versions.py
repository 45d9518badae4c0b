"""Which change of a night is newer: others are told of each."""

import sqlalchemy as sa
from alembic import op

revision = "0005_night_versions"
down_revision = "0004_arrivals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("homestay_night", sa.Column("version", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("homestay_night", "version")
