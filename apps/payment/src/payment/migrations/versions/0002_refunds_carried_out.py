"""refunds are carried out: what was sent, when to go on, every change of state"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REFUSE_CHANGE = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$
"""
NOTICE_ONCE = ["out_trade_no", "reason", "transaction_id"]


def upgrade() -> None:
    op.add_column("third_payment", sa.Column("refund_sent_at", MOMENT, nullable=True))
    op.add_column("refund", sa.Column("attempt", sa.Integer(), server_default="1", nullable=False))
    op.add_column("refund", sa.Column("request", sa.Text(), nullable=True))
    op.add_column("refund", sa.Column("sent_at", MOMENT, nullable=True))
    op.add_column("refund", sa.Column("refund_id", sa.Text(), nullable=True))
    op.add_column("refund", sa.Column("success_time", MOMENT, nullable=True))
    op.add_column("refund", sa.Column("problem", sa.Text(), nullable=True))
    op.add_column("refund", sa.Column("next_attempt_at", MOMENT, server_default=sa.text("now()"), nullable=False))
    op.add_column("refund", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("refund", "attempt", server_default=None)
    op.alter_column("refund", "next_attempt_at", server_default=None)
    op.alter_column("refund", "tries", server_default=None)
    op.drop_constraint("uq_refund_request_sn", "refund")
    op.create_unique_constraint("uq_refund_request_sn_attempt", "refund", ["request_sn", "attempt"])
    op.create_foreign_key("fk_refund_payment_sn", "refund", "third_payment", ["payment_sn"], ["sn"])
    op.create_check_constraint(
        op.f("ck_refund_succeeded_has_time"), "refund", "(state = 'succeeded') = (success_time is not null)"
    )
    op.create_check_constraint(
        op.f("ck_refund_sent_what_was_stored"), "refund", "(sent_at is null) or (request is not null)"
    )
    op.create_index(
        "uq_refund_live", "refund", ["request_sn"], unique=True, postgresql_where=sa.text("state <> 'closed'")
    )
    op.create_index(
        "ix_refund_due",
        "refund",
        ["next_attempt_at"],
        postgresql_where=sa.text("state in ('requested', 'accepted', 'abnormal')"),
    )
    op.create_table(
        "refund_transition",
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_transition_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", "seq", name=op.f("pk_refund_transition")),
    )
    op.add_column("provider_notice", sa.Column("out_refund_no", sa.Text(), nullable=True))
    op.drop_constraint("uq_provider_notice_out_trade_no_reason_transaction_id", "provider_notice")
    op.create_unique_constraint(
        "uq_provider_notice_once",
        "provider_notice",
        [*NOTICE_ONCE, "out_refund_no"],
        postgresql_nulls_not_distinct=True,
    )
    op.execute(REFUSE_CHANGE)
    for table in ("payment_transition", "refund_transition"):
        op.execute(
            f"create trigger append_only before update or delete on {table}"
            " for each row execute function refuse_change()"
        )


def downgrade() -> None:
    op.execute("drop function refuse_change() cascade")
    op.drop_constraint("uq_provider_notice_once", "provider_notice")
    op.drop_column("provider_notice", "out_refund_no")
    op.create_unique_constraint(
        "uq_provider_notice_out_trade_no_reason_transaction_id",
        "provider_notice",
        NOTICE_ONCE,
        postgresql_nulls_not_distinct=True,
    )
    op.drop_table("refund_transition")
    op.drop_index("ix_refund_due", table_name="refund")
    op.drop_index("uq_refund_live", table_name="refund")
    op.drop_constraint("fk_refund_payment_sn", "refund")
    op.drop_constraint("uq_refund_request_sn_attempt", "refund")
    op.create_unique_constraint("uq_refund_request_sn", "refund", ["request_sn"])
    for column in ("tries", "next_attempt_at", "problem", "success_time", "refund_id", "sent_at", "request", "attempt"):
        op.drop_column("refund", column)  # a check goes with its column
    op.drop_column("third_payment", "refund_sent_at")
