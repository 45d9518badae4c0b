"""the daily bill against the ledger"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("refund", sa.Column("billed_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_third_payment_pay_time", "third_payment", ["pay_time"], postgresql_where=sa.text("pay_time is not null")
    )
    op.create_table(
        "reconciliation",
        sa.Column("bill_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("has_bill", sa.Boolean(), nullable=True),
        sa.Column("payments", sa.Integer(), nullable=True),
        sa.Column("payments_fen", sa.BigInteger(), nullable=True),
        sa.Column("refunds", sa.Integer(), nullable=True),
        sa.Column("refunds_fen", sa.BigInteger(), nullable=True),
        sa.Column("fee_yuan", sa.Numeric(18, 5), nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint("state in ('wanted', 'done')", name=op.f("ck_reconciliation_state_known")),
        sa.PrimaryKeyConstraint("bill_date", name=op.f("pk_reconciliation")),
    )
    op.create_table(
        "reconciliation_difference",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bill_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("payment_sn", sa.Text(), nullable=False),
        sa.Column("ours_state", sa.Text(), nullable=True),
        sa.Column("theirs_state", sa.Text(), nullable=True),
        sa.Column("ours_fen", sa.BigInteger(), nullable=True),
        sa.Column("theirs_fen", sa.BigInteger(), nullable=True),
        sa.Column("line", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("repair", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "kind in ('missing_here', 'missing_there', 'amount', 'state')",
            name=op.f("ck_reconciliation_difference_kind_known"),
        ),
        sa.CheckConstraint("subject in ('payment', 'refund')", name=op.f("ck_reconciliation_difference_subject_known")),
        sa.CheckConstraint(
            "outcome in ('open', 'settled', 'asked', 'review', 'mended')",
            name=op.f("ck_reconciliation_difference_outcome_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_difference")),
        sa.UniqueConstraint("bill_date", "kind", "subject", "number", name="uq_reconciliation_difference_once"),
    )
    op.create_index(
        "ix_reconciliation_difference_open",
        "reconciliation_difference",
        ["bill_date", "id"],
        postgresql_where=sa.text("outcome = 'open'"),
    )


def downgrade() -> None:
    op.drop_table("reconciliation_difference")
    op.drop_table("reconciliation")
    op.drop_index("ix_third_payment_pay_time", table_name="third_payment")
    op.drop_column("refund", "billed_on")
