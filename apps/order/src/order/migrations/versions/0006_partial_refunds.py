"""Cancellation policies, and refunds of a part: each request for one has a row of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0006_partial_refunds"
down_revision = "0005_night_versions"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# Orders of before keep what they had, which is the policy `flexible`; every refund was of all.
TAKE_OVER = """
update homestay_order set refund_fen = order_total_fen where refund_state <> 'none' or trade_state = 3;
update homestay_order set refund_least_fen = order_total_fen where refund_state = 'asked';
update order_payment set refunded_fen = total_fen where pay_status = 2;
update homestay_order o set refunded_fen = p.refunded_fen from order_payment p where p.payment_sn = o.payment_sn;

insert into order_refund (order_id, payment_sn, request_sn, cause, refund_fen, state, requested_at, ended_at)
select p.order_id, p.payment_sn, p.refund_request_sn, p.refund_cause, p.total_fen,
  case when p.pay_status = 2 then 'returned' when failed then 'failed' else 'requested' end, p.refund_requested_at,
  case when p.pay_status = 2 then p.updated_at when failed then coalesce(o.refund_failed_at, p.updated_at) end
from order_payment p join homestay_order o on o.id = p.order_id,
  lateral (select p.refund_cause = 'buyer' and o.refund_state = 'failed' as failed) f
where p.refund_request_sn is not null
"""
NO_PARTS = """
update order_payment p set refund_request_sn = r.request_sn, refund_cause = r.cause, refund_requested_at = r.requested_at
from (select distinct on (payment_sn) * from order_refund order by payment_sn, id desc) r where r.payment_sn = p.payment_sn
"""
CHECKS = {
    "refund_amount": "refund_state not in ('asked', 'agreed', 'failed') or refund_fen is not null",
    "refund_least": "refund_state <> 'asked' or refund_least_fen <= refund_fen",
    "refund_within_total": "refund_fen between 0 and order_total_fen",
    "refund_least_within_total": "refund_least_fen between 0 and order_total_fen",
    "refunded_within_total": "refunded_fen between 0 and order_total_fen",
}
UNDER_WAY = sa.text("state = 'requested'")


def upgrade() -> None:
    op.add_column(
        "homestay_order", sa.Column("cancel_policy", sa.String(16), server_default="flexible", nullable=False)
    )
    op.add_column("homestay_order", sa.Column("refund_fen", sa.BigInteger(), nullable=True))
    op.add_column("homestay_order", sa.Column("refund_least_fen", sa.BigInteger(), nullable=True))
    op.add_column("homestay_order", sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("order_payment", sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "order_refund",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_sn", sa.String(length=32), nullable=False),
        sa.Column("request_sn", sa.String(length=32), nullable=False),
        sa.Column("request_key", sa.String(length=128), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("refund_fen > 0", name="ck_order_refund_refund"),
        sa.CheckConstraint("state in ('requested', 'returned', 'failed')", name="ck_order_refund_state"),
        sa.CheckConstraint("(state = 'requested') = (ended_at is null)", name="ck_order_refund_ended"),
        sa.ForeignKeyConstraint(["order_id"], ["homestay_order.id"], name="fk_order_refund_order_id"),
        sa.ForeignKeyConstraint(["payment_sn"], ["order_payment.payment_sn"], name="fk_order_refund_payment_sn"),
        sa.PrimaryKeyConstraint("id", name="pk_order_refund"),
        sa.UniqueConstraint("request_sn", name="uq_order_refund_request_sn"),
        sa.UniqueConstraint("order_id", "request_key", name="uq_order_refund_order_id_request_key"),
    )
    op.execute("lock table homestay_order, order_payment in share row exclusive mode")
    op.execute(TAKE_OVER)
    for name, check in CHECKS.items():
        op.create_check_constraint(f"ck_homestay_order_{name}", "homestay_order", check)
    op.create_check_constraint(
        "ck_order_payment_refunded_within_total", "order_payment", "refunded_fen between 0 and total_fen"
    )
    op.create_index("ix_order_refund_order_id", "order_refund", ["order_id"])
    op.create_index("ix_order_refund_payment_sn", "order_refund", ["payment_sn"])
    op.create_index(
        "uq_order_refund_under_way", "order_refund", ["payment_sn"], unique=True, postgresql_where=UNDER_WAY
    )
    op.create_index("ix_order_refund_requested_at", "order_refund", ["requested_at"], postgresql_where=UNDER_WAY)
    op.create_index(
        "ix_order_transition_refunded", "order_transition", ["created_at"], postgresql_where=sa.text("to_state = 3")
    )
    for column in ("refund_request_sn", "refund_cause", "refund_requested_at"):  # and the indexes on them
        op.drop_column("order_payment", column)


def downgrade() -> None:
    op.add_column("order_payment", sa.Column("refund_request_sn", sa.String(length=32), nullable=True))
    op.add_column("order_payment", sa.Column("refund_cause", sa.String(length=32), nullable=True))
    op.add_column("order_payment", sa.Column("refund_requested_at", MOMENT, nullable=True))
    op.execute(NO_PARTS)
    op.create_unique_constraint("uq_order_payment_refund_request_sn", "order_payment", ["refund_request_sn"])
    op.create_index(
        "ix_order_payment_refund_open",
        "order_payment",
        ["refund_requested_at"],
        postgresql_where=sa.text("pay_status = 1 and refund_requested_at is not null"),
    )
    op.drop_index("ix_order_transition_refunded", "order_transition")
    op.drop_table("order_refund")
    op.drop_column("order_payment", "refunded_fen")
    for column in ("refunded_fen", "refund_least_fen", "refund_fen", "cancel_policy"):
        op.drop_column("homestay_order", column)
