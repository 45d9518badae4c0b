"""The index of a merchant's arrivals by day."""

import sqlalchemy as sa
from alembic import op

revision = "0004_arrivals"
down_revision = "0003_lines_of_before"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_homestay_order_arrivals",
        "homestay_order",
        ["homestay_user_id", "live_start_date", "id"],
        postgresql_where=sa.text("trade_state in (1, 2, 4)"),
    )


def downgrade() -> None:
    op.drop_index("ix_homestay_order_arrivals", "homestay_order")
