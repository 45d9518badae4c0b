"""who decided about a refund, and how"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("homestay_order", sa.Column("refund_state", sa.String(16), server_default="none", nullable=False))
    op.add_column("homestay_order", sa.Column("refund_note", sa.Text(), nullable=True))
    op.execute("update homestay_order set refund_state = 'agreed' where refund_opened_at is not null")
    op.create_check_constraint(
        op.f("ck_homestay_order_refund_state"),
        "homestay_order",
        "refund_state in ('none', 'asked', 'agreed', 'refused')"
        " and (refund_state <> 'asked' or refund_opened_at is not null)"
        " and (refund_opened_at is null or refund_state in ('asked', 'agreed'))",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_homestay_order_refund_state"), "homestay_order")
    op.drop_column("homestay_order", "refund_note")
    op.drop_column("homestay_order", "refund_state")
