"""What each night of an order costs: the column. Orders from before get theirs in the next revision."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003_lines"
down_revision = "0002_nights"
branch_labels = None
depends_on = None

RULE = "jsonb_array_length(lines) in (0, live_end_date - live_start_date)"


def upgrade() -> None:
    # Empty by default: the build before inserts without it.
    op.add_column("homestay_order", sa.Column("lines", JSONB(), server_default=sa.text("'[]'"), nullable=False))
    op.create_check_constraint("ck_homestay_order_lines", "homestay_order", RULE, postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_column("homestay_order", "lines")
