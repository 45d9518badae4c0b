"""first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_closure",
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_sn", name=op.f("pk_order_closure")),
    )
    op.create_table(
        "provider_notice",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('needs_review', 'resolved')", name=op.f("ck_provider_notice_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_notice")),
        sa.UniqueConstraint(
            "out_trade_no",
            "reason",
            "transaction_id",
            name=op.f("uq_provider_notice_out_trade_no_reason_transaction_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sn", sa.Text(), nullable=False),
        sa.Column("request_sn", sa.Text(), nullable=False),
        sa.Column("payment_sn", sa.Text(), nullable=False),
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('requested', 'accepted', 'succeeded', 'abnormal', 'closed')", name=op.f("ck_refund_state_known")
        ),
        sa.CheckConstraint("refund_fen > 0", name=op.f("ck_refund_refund_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("request_sn", name=op.f("uq_refund_request_sn")),
        sa.UniqueConstraint("sn", name=op.f("uq_refund_sn")),
    )
    op.create_index("ix_refund_payment_sn", "refund", ["payment_sn"], unique=False)
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
        sa.Column("prepay_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trade_state", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("bank_type", sa.Text(), nullable=True),
        sa.Column("pay_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_query_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
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
    op.create_index("ix_third_payment_order_sn", "third_payment", ["order_sn"], unique=False)
    op.create_index(
        "ix_third_payment_query_due",
        "third_payment",
        ["next_query_at"],
        unique=False,
        postgresql_where=sa.text("pay_status = 0"),
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
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["third_payment.id"], name=op.f("fk_payment_transition_payment_id")),
        sa.PrimaryKeyConstraint("payment_id", "seq", name=op.f("pk_payment_transition")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition_key", sa.Text(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
    )
    op.create_index(
        "ix_outbox_published_at",
        "outbox",
        ["published_at"],
        unique=False,
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_unpublished", "outbox", ["id"], unique=False, postgresql_where=sa.text("published_at IS NULL")
    )
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], unique=False)
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
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("topic", "source", "event_id", name=op.f("uq_dead_letter_topic_source_event_id")),
    )
    op.create_index(
        "ix_dead_letter_due",
        "dead_letter",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_claimed_at", "idempotency_key", ["claimed_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_idempotency_key_claimed_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("ix_dead_letter_due", table_name="dead_letter", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_table("dead_letter")
    op.drop_index("ix_inbox_received_at", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index("ix_outbox_unpublished", table_name="outbox", postgresql_where=sa.text("published_at IS NULL"))
    op.drop_index("ix_outbox_published_at", table_name="outbox", postgresql_where=sa.text("published_at IS NOT NULL"))
    op.drop_table("outbox")
    op.drop_table("payment_transition")
    op.drop_index("uq_third_payment_open", table_name="third_payment", postgresql_where=sa.text("pay_status = 0"))
    op.drop_index("ix_third_payment_query_due", table_name="third_payment", postgresql_where=sa.text("pay_status = 0"))
    op.drop_index("ix_third_payment_order_sn", table_name="third_payment")
    op.drop_table("third_payment")
    op.drop_index("ix_refund_payment_sn", table_name="refund")
    op.drop_table("refund")
    op.drop_table("provider_notice")
    op.drop_table("order_closure")
