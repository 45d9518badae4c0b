"""The tables of bookings, and servicekit's that order owns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT, NOW = sa.DateTime(timezone=True), sa.text("now()")
APPEND_ONLY = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "checkin_miss",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("missed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checkin_miss"),
    )
    op.create_index("ix_checkin_miss_merchant", "checkin_miss", ["merchant_id", "missed_at"], unique=False)
    op.create_index("ix_checkin_miss_missed_at", "checkin_miss", ["missed_at"], unique=False)
    op.create_table(
        "homestay_order",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sn", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("request_key", sa.String(length=128), nullable=True),
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_user_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sub_title", sa.Text(), nullable=False),
        sa.Column("cover", sa.Text(), nullable=False),
        sa.Column("info", sa.Text(), nullable=False),
        sa.Column("people_num", sa.Integer(), nullable=False),
        sa.Column("row_type", sa.SmallInteger(), nullable=False),
        sa.Column("food_info", sa.Text(), nullable=False),
        sa.Column("food_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("homestay_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("market_homestay_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("live_start_date", sa.Date(), nullable=False),
        sa.Column("live_end_date", sa.Date(), nullable=False),
        sa.Column("live_people_num", sa.Integer(), nullable=False),
        sa.Column("need_food", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("order_total_fen", sa.BigInteger(), nullable=False),
        sa.Column("food_total_fen", sa.BigInteger(), nullable=False),
        sa.Column("homestay_total_fen", sa.BigInteger(), nullable=False),
        sa.Column("trade_state", sa.SmallInteger(), nullable=False),
        sa.Column("trade_code", sa.String(length=8), nullable=True),
        sa.Column("close_at", MOMENT, nullable=False),
        sa.Column("closing_at", MOMENT, nullable=True),
        sa.Column("close_cause", sa.String(length=16), nullable=True),
        sa.Column("close_due_at", MOMENT, nullable=False),
        sa.Column("close_attempts", sa.Integer(), nullable=False),
        sa.Column("payment_sn", sa.String(length=32), nullable=True),
        sa.Column("paid_at", MOMENT, nullable=True),
        sa.Column("pay_type", sa.String(length=32), nullable=True),
        sa.Column("refund_opened_at", MOMENT, nullable=True),
        sa.Column("refund_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "case when trade_state in (0, -1) then payment_sn is null and paid_at is null and trade_code is null"
            " else payment_sn is not null and paid_at is not null and trade_code is not null end",
            name="ck_homestay_order_paid",
        ),
        sa.CheckConstraint("food_price_fen >= 0 and homestay_price_fen >= 0", name="ck_homestay_order_prices"),
        sa.CheckConstraint("food_total_fen >= 0 and homestay_total_fen >= 0", name="ck_homestay_order_totals"),
        sa.CheckConstraint("live_end_date > live_start_date", name="ck_homestay_order_nights"),
        sa.CheckConstraint("live_people_num between 1 and people_num", name="ck_homestay_order_people"),
        sa.CheckConstraint(
            "order_total_fen > 0 and order_total_fen = food_total_fen + homestay_total_fen",
            name="ck_homestay_order_total",
        ),
        sa.CheckConstraint("refund_opened_at is null or trade_state = 1", name="ck_homestay_order_open_refund"),
        sa.CheckConstraint("row_type in (0, 1)", name="ck_homestay_order_row_type"),
        sa.CheckConstraint("trade_state between -1 and 4", name="ck_homestay_order_trade_state"),
        sa.CheckConstraint("version >= 1", name="ck_homestay_order_version"),
        sa.PrimaryKeyConstraint("id", name="pk_homestay_order"),
        sa.UniqueConstraint("sn", name="uq_homestay_order_sn"),
        sa.UniqueConstraint("user_id", "request_key", name="uq_homestay_order_user_id_request_key"),
    )
    op.create_index(
        "ix_homestay_order_close_due",
        "homestay_order",
        ["close_due_at"],
        unique=False,
        postgresql_where=sa.text("trade_state = 0"),
    )
    op.create_index("ix_homestay_order_merchant", "homestay_order", ["homestay_user_id", "id"], unique=False)
    op.create_index(
        "ix_homestay_order_stay_over",
        "homestay_order",
        ["live_end_date"],
        unique=False,
        postgresql_where=sa.text("trade_state = 1"),
    )
    op.create_index("ix_homestay_order_trade_code", "homestay_order", ["trade_code"], unique=False)
    op.create_index("ix_homestay_order_user", "homestay_order", ["user_id", "id"], unique=False)
    op.create_index(
        "uq_homestay_order_valid_code",
        "homestay_order",
        ["trade_code"],
        unique=True,
        postgresql_where=sa.text("trade_state = 1"),
    )
    op.create_table(
        "order_payment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_sn", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pay_status", sa.SmallInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", MOMENT, nullable=False),
        sa.Column("refund_request_sn", sa.String(length=32), nullable=True),
        sa.Column("refund_cause", sa.String(length=32), nullable=True),
        sa.Column("refund_requested_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("pay_status in (1, 2)", name="ck_order_payment_pay_status"),
        sa.CheckConstraint("total_fen > 0", name="ck_order_payment_total"),
        sa.CheckConstraint("version >= 1", name="ck_order_payment_version"),
        sa.ForeignKeyConstraint(["order_id"], ["homestay_order.id"], name="fk_order_payment_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_payment"),
        sa.UniqueConstraint("payment_sn", name="uq_order_payment_payment_sn"),
        sa.UniqueConstraint("refund_request_sn", name="uq_order_payment_refund_request_sn"),
    )
    op.create_index("ix_order_payment_order_id", "order_payment", ["order_id"], unique=False)
    op.create_table(
        "order_transition",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.SmallInteger(), nullable=True),
        sa.Column("to_state", sa.SmallInteger(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "case when from_state is null then to_state = 0 and seq = 1"
            " when from_state = 0 then to_state in (1, -1) and seq > 1"
            " when from_state = 1 then to_state in (2, 3, 4) and seq > 1 else false end",
            name="ck_order_transition_legal",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["homestay_order.id"], name="fk_order_transition_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_transition"),
        sa.UniqueConstraint("order_id", "seq", name="uq_order_transition_order_id_seq"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition_key", sa.Text(), nullable=False),
        sa.Column("event", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
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
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_inbox"),
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
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("next_attempt_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
        sa.UniqueConstraint("topic", "source", "event_id", name="uq_dead_letter_topic_source_event_id"),
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
        sa.Column("claimed_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_claimed_at", "idempotency_key", ["claimed_at"], unique=False)
    op.execute(APPEND_ONLY)
    op.execute(
        "create trigger append_only before update or delete on order_transition"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    op.execute("drop function refuse_change() cascade")
    op.drop_table("idempotency_key")
    op.drop_table("dead_letter")
    op.drop_table("inbox")
    op.drop_table("outbox")
    op.drop_table("order_transition")
    op.drop_table("order_payment")
    op.drop_table("homestay_order")
    op.drop_table("checkin_miss")
