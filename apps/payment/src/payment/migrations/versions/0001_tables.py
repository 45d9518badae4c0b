"""tables

What the models say, and the triggers that keep what was written down: transitions, operators' acts, payouts.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_tables"
down_revision = None
branch_labels = None
depends_on = None

MOMENT, NOW = sa.DateTime(timezone=True), sa.text("now()")
APPEND_ONLY = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create function refuse_change_of_act() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create trigger append_only before update or delete on payment_transition
  for each row execute function refuse_change();
create trigger append_only before update or delete on refund_transition
  for each row execute function refuse_change();
create trigger append_only before update or delete on payout_record
  for each row execute function refuse_change();
create trigger settled_once before update or delete on payout_item
  for each row when (old.record_id is not null) execute function refuse_change();
create trigger append_only before update or delete on operator_act
  for each row execute function refuse_change_of_act();
"""


def upgrade() -> None:
    op.create_table(
        "order_closure",
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("order_sn", name=op.f("pk_order_closure")),
    )
    op.create_table(
        "payout_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_payout_day")),
    )
    op.create_table(
        "payout_record",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("stays", sa.Integer(), nullable=False),
        sa.Column("stays_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.Integer(), nullable=False),
        sa.Column("refunds_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("net_fen = stays_fen - refunds_fen - fee_fen", name=op.f("ck_payout_record_net_adds_up")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_payout_record_seq_positive")),
        sa.CheckConstraint(
            "stays >= 0 and stays_fen >= 0 and refunds >= 0 and refunds_fen >= 0",
            name=op.f("ck_payout_record_sums_positive"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_record")),
        sa.UniqueConstraint(
            "homestay_business_id", "day", "seq", name=op.f("uq_payout_record_homestay_business_id_day_seq")
        ),
    )
    op.create_table(
        "provider_notice",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("out_refund_no", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("state in ('needs_review', 'resolved')", name=op.f("ck_provider_notice_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_notice")),
        sa.UniqueConstraint(
            "out_trade_no",
            "reason",
            "transaction_id",
            "out_refund_no",
            name="uq_provider_notice_once",
            postgresql_nulls_not_distinct=True,
        ),
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
        sa.Column("fee_yuan", sa.Numeric(precision=18, scale=5), nullable=True),
        sa.Column("not_ours_payments", sa.Integer(), nullable=True),
        sa.Column("not_ours_payments_fen", sa.BigInteger(), nullable=True),
        sa.Column("not_ours_refunds", sa.Integer(), nullable=True),
        sa.Column("not_ours_refunds_fen", sa.BigInteger(), nullable=True),
        sa.Column("not_ours_fee_yuan", sa.Numeric(precision=18, scale=5), nullable=True),
        sa.Column("of_other_days", sa.Integer(), nullable=True),
        sa.Column("unreadable", sa.Integer(), nullable=True),
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
        sa.Column("line", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("repair", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "kind in ('missing_here', 'missing_there', 'amount', 'state', 'unreadable')",
            name=op.f("ck_reconciliation_difference_kind_known"),
        ),
        sa.CheckConstraint(
            "outcome in ('open', 'settled', 'asked', 'review', 'mended')",
            name=op.f("ck_reconciliation_difference_outcome_known"),
        ),
        sa.CheckConstraint(
            "subject in ('payment', 'refund', 'line')", name=op.f("ck_reconciliation_difference_subject_known")
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
    op.create_table(
        "third_payment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sn", sa.Text(), nullable=False),
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("pay_mode", sa.Text(), nullable=False),
        sa.Column("trade_type", sa.Text(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("pay_status", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("prepay_id", sa.Text(), nullable=True),
        sa.Column("prepay_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("trade_state", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("bank_type", sa.Text(), nullable=True),
        sa.Column("pay_time", MOMENT, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("refund_sent_at", MOMENT, nullable=True),
        sa.Column("billed_on", sa.Date(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(pay_status in (1, 2)) = (pay_time is not null)", name=op.f("ck_third_payment_paid_has_time")
        ),
        sa.CheckConstraint("pay_status between -1 and 2", name=op.f("ck_third_payment_pay_status_known")),
        sa.CheckConstraint("refunded_fen between 0 and total_fen", name=op.f("ck_third_payment_refunded_within_total")),
        sa.CheckConstraint("total_fen > 0", name=op.f("ck_third_payment_total_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_third_payment")),
        sa.UniqueConstraint("sn", name=op.f("uq_third_payment_sn")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_third_payment_transaction_id")),
    )
    op.create_index("ix_third_payment_due", "third_payment", ["due_at"], postgresql_where=sa.text("pay_status = 0"))
    op.create_index("ix_third_payment_order_sn", "third_payment", ["order_sn"])
    op.create_index(
        "ix_third_payment_pay_time", "third_payment", ["pay_time"], postgresql_where=sa.text("pay_time is not null")
    )
    op.create_index(
        "uq_third_payment_open", "third_payment", ["order_sn"], unique=True, postgresql_where=sa.text("pay_status = 0")
    )
    op.create_table(
        "payment_transition",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_status", sa.Integer(), nullable=False),
        sa.Column("to_status", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["third_payment.id"], name=op.f("fk_payment_transition_payment_id")),
        sa.PrimaryKeyConstraint("payment_id", "seq", name=op.f("pk_payment_transition")),
    )
    op.create_table(
        "payout_item",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("payment_sn", sa.Text(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind in ('stay', 'refund')", name=op.f("ck_payout_item_kind_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payout_item_amount_positive")),
        sa.ForeignKeyConstraint(["payment_sn"], ["third_payment.sn"], name=op.f("fk_payout_item_payment_sn")),
        sa.ForeignKeyConstraint(["record_id"], ["payout_record.id"], name=op.f("fk_payout_item_record_id")),
        sa.PrimaryKeyConstraint("kind", "number", name=op.f("pk_payout_item")),
    )
    op.create_index("ix_payout_item_open", "payout_item", ["day"], postgresql_where=sa.text("record_id is null"))
    op.create_index("ix_payout_item_payment_sn", "payout_item", ["payment_sn"])
    op.create_index(op.f("ix_payout_item_record_id"), "payout_item", ["record_id"])
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sn", sa.Text(), nullable=False),
        sa.Column("request_sn", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("payment_sn", sa.Text(), nullable=False),
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("refund_id", sa.Text(), nullable=True),
        sa.Column("success_time", MOMENT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("sent_elsewhere_at", MOMENT, nullable=True),
        sa.Column("billed_on", sa.Date(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(state = 'succeeded') = (success_time is not null)", name=op.f("ck_refund_succeeded_has_time")
        ),
        sa.CheckConstraint(
            "sent_elsewhere_at is null or state in ('abnormal', 'succeeded', 'closed')",
            name=op.f("ck_refund_elsewhere_after_abnormal"),
        ),
        sa.CheckConstraint(
            "state in ('requested', 'accepted', 'succeeded', 'abnormal', 'closed')", name=op.f("ck_refund_state_known")
        ),
        sa.CheckConstraint("(sent_at is null) or (request is not null)", name=op.f("ck_refund_sent_what_was_stored")),
        sa.CheckConstraint("refund_fen > 0", name=op.f("ck_refund_refund_positive")),
        sa.ForeignKeyConstraint(["payment_sn"], ["third_payment.sn"], name=op.f("fk_refund_payment_sn")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("request_sn", "attempt", name=op.f("uq_refund_request_sn_attempt")),
        sa.UniqueConstraint("sn", name=op.f("uq_refund_sn")),
    )
    op.create_index(
        "ix_refund_due",
        "refund",
        ["due_at"],
        postgresql_where=sa.text("state in ('requested', 'accepted', 'abnormal')"),
    )
    op.create_index("ix_refund_payment_sn", "refund", ["payment_sn"])
    op.create_index(
        "uq_refund_live", "refund", ["request_sn"], unique=True, postgresql_where=sa.text("state <> 'closed'")
    )
    op.create_table(
        "refund_transition",
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_transition_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", "seq", name=op.f("pk_refund_transition")),
    )
    op.create_table(
        "operator_act",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("acted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_act")),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition_key", sa.Text(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
    )
    op.create_index(
        "ix_outbox_published_at", "outbox", ["published_at"], postgresql_where=sa.text("published_at IS NOT NULL")
    )
    op.create_index("ix_outbox_unpublished", "outbox", ["id"], postgresql_where=sa.text("published_at IS NULL"))
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("due_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("topic", "source", "event_id", name=op.f("uq_dead_letter_topic_source_event_id")),
    )
    op.create_index("ix_dead_letter_due", "dead_letter", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("claimed_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_claimed_at", "idempotency_key", ["claimed_at"])
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in (
        "idempotency_key",
        "dead_letter",
        "inbox",
        "outbox",
        "operator_act",
        "refund_transition",
        "refund",
        "payout_item",
        "payment_transition",
        "third_payment",
        "reconciliation_difference",
        "reconciliation",
        "provider_notice",
        "payout_record",
        "payout_day",
        "order_closure",
    ):
        op.drop_table(table)
    op.execute("drop function refuse_change")
    op.execute("drop function refuse_change_of_act")
