"""abnormal refunds that an operator sent another way"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refund", sa.Column("sent_elsewhere_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_refund_elsewhere_after_abnormal"),
        "refund",
        "sent_elsewhere_at is null or state in ('abnormal', 'succeeded', 'closed')",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_refund_elsewhere_after_abnormal"), "refund")
    op.drop_column("refund", "sent_elsewhere_at")
