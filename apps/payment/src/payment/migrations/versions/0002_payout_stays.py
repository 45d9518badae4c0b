"""Which homestay and host a payout's stay belongs to: hosts read their statements by it."""

import sqlalchemy as sa
from alembic import op

revision = "0002_payout_stays"
down_revision = "0001_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payout_stay",
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("payment_sn", sa.Text(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("host_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["payment_sn"], ["third_payment.sn"], name="fk_payout_stay_payment_sn"),
        sa.PrimaryKeyConstraint("order_sn", name="pk_payout_stay"),
        sa.UniqueConstraint("payment_sn", name="uq_payout_stay_payment_sn"),
    )
    op.create_index("ix_payout_stay_host_id", "payout_stay", ["host_id", "homestay_business_id"])


def downgrade() -> None:
    op.drop_table("payout_stay")
