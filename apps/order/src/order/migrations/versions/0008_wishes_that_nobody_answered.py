"""refunds that wait for their merchant, the oldest first"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_homestay_order_unanswered",
        "homestay_order",
        ["refund_opened_at"],
        postgresql_where=sa.text("refund_state = 'asked'"),
    )


def downgrade() -> None:
    op.drop_index("ix_homestay_order_unanswered", table_name="homestay_order")
