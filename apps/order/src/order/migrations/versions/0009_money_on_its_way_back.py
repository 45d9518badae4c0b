"""money that payment was told to give back and that is not back, the oldest first"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_order_payment_given_back_soon",
        "order_payment",
        ["refund_requested_at"],
        postgresql_where=sa.text("pay_status = 1 and refund_requested_at is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_order_payment_given_back_soon", table_name="order_payment")
