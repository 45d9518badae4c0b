"""The tables of orders, and those of servicekit that order uses."""

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
create trigger append_only before update or delete on order_transition
  for each row execute function refuse_change();

create function refuse_change_of_act() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create trigger append_only before update or delete on operator_act
  for each row execute function refuse_change_of_act();
"""


def upgrade() -> None:
    op.create_table(
        "checkin_miss",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("missed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checkin_miss"),
    )
    op.create_index("ix_checkin_miss_merchant", "checkin_miss", ["merchant_id", "missed_at"])
    op.create_index("ix_checkin_miss_missed_at", "checkin_miss", ["missed_at"])
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
        sa.Column("sold_by", sa.SmallInteger(), nullable=False),
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
        sa.Column("checkin_code", sa.String(length=8), nullable=True),
        sa.Column("close_at", MOMENT, nullable=False),
        sa.Column("closing_at", MOMENT, nullable=True),
        sa.Column("close_cause", sa.String(length=16), nullable=True),
        sa.Column("payment_sn", sa.String(length=32), nullable=True),
        sa.Column("paid_at", MOMENT, nullable=True),
        sa.Column("pay_type", sa.String(length=32), nullable=True),
        sa.Column("refund_opened_at", MOMENT, nullable=True),
        sa.Column("refund_reason", sa.Text(), nullable=True),
        sa.Column("refund_state", sa.String(length=16), server_default="none", nullable=False),
        sa.Column("refund_note", sa.Text(), nullable=True),
        sa.Column("refund_failed_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "refund_state in ('none', 'asked', 'agreed', 'refused', 'failed')"
            " and (refund_state <> 'asked' or refund_opened_at is not null)"
            " and (refund_opened_at is null or refund_state in ('asked', 'agreed'))",
            name="ck_homestay_order_refund_state",
        ),
        sa.CheckConstraint(
            "case when trade_state in (0, -1) then payment_sn is null and paid_at is null"
            " and checkin_code is null else payment_sn is not null and paid_at is not null"
            " and checkin_code is not null end",
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
        sa.CheckConstraint("sold_by in (0, 1)", name="ck_homestay_order_sold_by"),
        sa.CheckConstraint("trade_state between -1 and 4", name="ck_homestay_order_trade_state"),
        sa.CheckConstraint("version >= 1", name="ck_homestay_order_version"),
        sa.PrimaryKeyConstraint("id", name="pk_homestay_order"),
        sa.UniqueConstraint("sn", name="uq_homestay_order_sn"),
        sa.UniqueConstraint("user_id", "request_key", name="uq_homestay_order_user_id_request_key"),
    )
    op.create_index("ix_homestay_order_checkin_code", "homestay_order", ["checkin_code"])
    op.create_index("ix_homestay_order_due", "homestay_order", ["due_at"], postgresql_where=sa.text("trade_state = 0"))
    op.create_index("ix_homestay_order_merchant", "homestay_order", ["homestay_user_id", "id"])
    op.create_index(
        "ix_homestay_order_refund_asked",
        "homestay_order",
        ["homestay_user_id", "id"],
        postgresql_where=sa.text("refund_state = 'asked'"),
    )
    op.create_index(
        "ix_homestay_order_refund_failed",
        "homestay_order",
        ["id"],
        postgresql_where=sa.text("refund_state = 'failed' and trade_state = 1"),
    )
    op.create_index(
        "ix_homestay_order_stay_over", "homestay_order", ["live_end_date"], postgresql_where=sa.text("trade_state = 1")
    )
    op.create_index(
        "ix_homestay_order_unanswered",
        "homestay_order",
        ["refund_opened_at"],
        postgresql_where=sa.text("refund_state = 'asked'"),
    )
    op.create_index("ix_homestay_order_user", "homestay_order", ["user_id", "id"])
    op.create_index(
        "uq_homestay_order_valid_code",
        "homestay_order",
        ["checkin_code"],
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
    op.create_index("ix_order_payment_order_id", "order_payment", ["order_id"])
    op.create_index(
        "ix_order_payment_refund_open",
        "order_payment",
        ["refund_requested_at"],
        postgresql_where=sa.text("pay_status = 1 and refund_requested_at is not null"),
    )
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
            "case when from_state is null then to_state = 0 and seq = 1 when from_state = 0"
            " then to_state in (1, -1) and seq > 1 when from_state = 1 then to_state in (2, 3, 4)"
            " and seq > 1 else false end",
            name="ck_order_transition_legal",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["homestay_order.id"], name="fk_order_transition_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_transition"),
        sa.UniqueConstraint("order_id", "seq", name="uq_order_transition_order_id_seq"),
    )
    op.create_index(
        "ix_order_transition_used", "order_transition", ["created_at"], postgresql_where=sa.text("to_state = 2")
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
        "ix_outbox_published_at", "outbox", ["published_at"], postgresql_where=sa.text("published_at IS NOT NULL")
    )
    op.create_index("ix_outbox_unpublished", "outbox", ["id"], postgresql_where=sa.text("published_at IS NULL"))
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_inbox"),
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
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
        sa.UniqueConstraint("topic", "source", "event_id", name="uq_dead_letter_topic_source_event_id"),
    )
    op.create_index("ix_dead_letter_due", "dead_letter", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("claimed_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_claimed_at", "idempotency_key", ["claimed_at"])
    op.create_table(
        "operator_act",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("acted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_act"),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"])
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in (
        "operator_act",
        "idempotency_key",
        "dead_letter",
        "inbox",
        "outbox",
        "order_transition",
        "order_payment",
        "homestay_order",
        "checkin_miss",
    ):
        op.drop_table(table)
    op.execute("drop function refuse_change()")
    op.execute("drop function refuse_change_of_act()")
