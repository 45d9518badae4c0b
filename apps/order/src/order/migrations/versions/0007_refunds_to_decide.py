"""the orders that wait for their merchant's word"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_homestay_order_refund_asked",
        "homestay_order",
        ["homestay_user_id", "id"],
        postgresql_where=sa.text("refund_state = 'asked'"),
    )


def downgrade() -> None:
    op.drop_index("ix_homestay_order_refund_asked", table_name="homestay_order")
