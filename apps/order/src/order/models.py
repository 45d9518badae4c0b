"""The tables of the order service. Invariants are constraints."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from order.states import RefundState
from servicekit import db
from servicekit.due import Leased, due_index

WAIT_PAY, WAIT_USE = "trade_state = 0", "trade_state = 1"
PAID_STAY = "trade_state in (1, 2, 4)"
REFUND_ASKED, REFUND_FAILED = "refund_state = 'asked'", "refund_state = 'failed'"
HAS_TEXTS = "remark <> '' or refund_reason is not null or refund_note is not null"
REFUND_UNDER_WAY = "state = 'requested'"


class Base(db.Base):
    __abstract__ = True
    metadata = db.new_metadata()


class HomestayOrder(Leased, Base):
    """One booking, with a snapshot of the homestay at the time of the booking. `lines`: what each night costs, as
    `pricing.Line` in camelCase; empty only of an order that the build before this column inserted. `version` is the seq of
    its newest transition. The leased work of a row is its closing: due at `close_at`, or when its buyer cancels, until it
    is paid or cancelled."""

    __tablename__ = "homestay_order"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    version: Mapped[int] = mapped_column(default=1)
    sn: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    request_key: Mapped[str | None] = mapped_column(String(128))

    homestay_id: Mapped[int] = mapped_column(BigInteger)
    homestay_business_id: Mapped[int] = mapped_column(BigInteger)
    homestay_user_id: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text)
    sub_title: Mapped[str] = mapped_column(Text)
    cover: Mapped[str] = mapped_column(Text)
    info: Mapped[str] = mapped_column(Text)
    people_num: Mapped[int]
    sold_by: Mapped[int] = mapped_column(SmallInteger)
    food_info: Mapped[str] = mapped_column(Text)
    food_price_fen: Mapped[int] = mapped_column(BigInteger)
    homestay_price_fen: Mapped[int] = mapped_column(BigInteger)
    market_homestay_price_fen: Mapped[int] = mapped_column(BigInteger)

    live_start_date: Mapped[date]
    live_end_date: Mapped[date]
    live_people_num: Mapped[int]
    need_food: Mapped[bool]
    remark: Mapped[str] = mapped_column(Text)
    order_total_fen: Mapped[int] = mapped_column(BigInteger)
    food_total_fen: Mapped[int] = mapped_column(BigInteger)
    homestay_total_fen: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))

    trade_state: Mapped[int] = mapped_column(SmallInteger, default=0)
    unpaid_slot: Mapped[int | None] = mapped_column(SmallInteger)
    """Which of the user's places for unpaid orders it has, or had while it was unpaid; none of an order from before."""
    checkin_code: Mapped[str | None] = mapped_column(String(8))
    close_at: Mapped[datetime]
    closing_at: Mapped[datetime | None]
    close_cause: Mapped[str | None] = mapped_column(String(16))
    payment_sn: Mapped[str | None] = mapped_column(String(32))
    paid_at: Mapped[datetime | None]
    pay_type: Mapped[str | None] = mapped_column(String(32))
    refund_opened_at: Mapped[datetime | None]
    refund_reason: Mapped[str | None] = mapped_column(Text)
    refund_state: Mapped[str] = mapped_column(String(16), default="none", server_default="none")
    refund_note: Mapped[str | None] = mapped_column(Text)
    refund_failed_at: Mapped[datetime | None]
    cancel_policy: Mapped[str] = mapped_column(String(16), server_default="flexible")
    refund_fen: Mapped[int | None] = mapped_column(BigInteger)
    """What the newest refund request is for; of a refunded order, what had gone back when it became that."""
    refund_least_fen: Mapped[int | None] = mapped_column(BigInteger)
    """What goes back of a request that the host decides, if they agree without an amount or do not answer; of a refused
    one, what the next request gets for sure (`cancelling.owed_after_refusal`)."""
    refunded_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    traceparent: Mapped[str | None] = mapped_column(Text)
    tracestate: Mapped[str | None] = mapped_column(Text)
    """Both of the booking: the payment is the next step of its trace."""

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012 - SQLAlchemy's protocol
    __table_args__ = (
        UniqueConstraint("user_id", "request_key"),
        CheckConstraint("version >= 1", "version"),
        CheckConstraint("trade_state between -1 and 4", "trade_state"),
        CheckConstraint("sold_by in (0, 1)", "sold_by"),
        CheckConstraint("live_end_date > live_start_date", "nights"),
        CheckConstraint("live_people_num between 1 and people_num", "people"),
        CheckConstraint("food_price_fen >= 0 and homestay_price_fen >= 0", "prices"),
        CheckConstraint("food_total_fen >= 0 and homestay_total_fen >= 0", "totals"),
        CheckConstraint("order_total_fen > 0 and order_total_fen = food_total_fen + homestay_total_fen", "total"),
        CheckConstraint("jsonb_array_length(lines) in (0, live_end_date - live_start_date)", "lines"),
        CheckConstraint(
            "case when trade_state in (0, -1) then payment_sn is null and paid_at is null and checkin_code is null"
            " else payment_sn is not null and paid_at is not null and checkin_code is not null end",
            "paid",
        ),
        CheckConstraint(f"refund_opened_at is null or {WAIT_USE}", "open_refund"),
        CheckConstraint(
            "refund_state in ('none', 'asked', 'agreed', 'refused', 'failed')"
            " and (refund_state <> 'asked' or refund_opened_at is not null)"
            " and (refund_opened_at is null or refund_state in ('asked', 'agreed'))",
            "refund_state",
        ),
        CheckConstraint("refund_state not in ('asked', 'agreed', 'failed') or refund_fen is not null", "refund_amount"),
        CheckConstraint("refund_state <> 'asked' or refund_least_fen <= refund_fen", "refund_least"),
        CheckConstraint("refund_fen between 0 and order_total_fen", "refund_within_total"),
        CheckConstraint("refund_least_fen between 0 and order_total_fen", "refund_least_within_total"),
        CheckConstraint("refunded_fen between 0 and order_total_fen", "refunded_within_total"),
        Index("ix_homestay_order_user", "user_id", "id"),
        Index("ix_homestay_order_merchant", "homestay_user_id", "id"),
        Index(
            "ix_homestay_order_arrivals", "homestay_user_id", "live_start_date", "id", postgresql_where=text(PAID_STAY)
        ),
        Index("ix_homestay_order_refund_asked", "homestay_user_id", "id", postgresql_where=text(REFUND_ASKED)),
        Index("uq_homestay_order_unpaid", "user_id", "unpaid_slot", unique=True, postgresql_where=text(WAIT_PAY)),
        due_index("homestay_order", is_open=text(WAIT_PAY)),
        Index("ix_homestay_order_stay_over", "live_end_date", postgresql_where=text(WAIT_USE)),
        Index("ix_homestay_order_unanswered", "refund_opened_at", postgresql_where=text(REFUND_ASKED)),
        Index("ix_homestay_order_refund_failed", "id", postgresql_where=text(f"{REFUND_FAILED} and {WAIT_USE}")),
        Index("ix_homestay_order_checkin_code", "checkin_code"),
        Index("ix_homestay_order_texts", "live_end_date", postgresql_where=text(HAS_TEXTS)),
        # Called by its first name: a rename would need a revision under load for nothing but the name.
        Index("uq_homestay_order_valid_code", "checkin_code", unique=True, postgresql_where=text(WAIT_USE)),
    )

    @property
    def owed_fen(self) -> int:
        """What goes back at any time because it was due when a request was made that the host refused; else 0."""
        return (self.refund_least_fen or 0) if self.refund_state == RefundState.REFUSED else 0


class HomestayNight(Base):
    """How much of a homestay is taken for one night, a date in Asia/Shanghai: rooms, or beds of one that is sold by person
    (`sold_by` 0 or 1; it cannot change while something is taken). `taken` is the sum of `order_night`; `stock` is what
    travel said at the newest sale. The constraint is what stops overbooking. `version` counts the changes of the row:
    a reader of two keeps the newer one."""

    __tablename__ = "homestay_night"

    homestay_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    taken: Mapped[int]
    stock: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    sold_by: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    __table_args__ = (
        CheckConstraint("taken between 0 and stock", "taken"),
        CheckConstraint("sold_by in (0, 1)", "sold_by"),
    )


class NightState(NamedTuple):
    """A row of `homestay_night`, as others are told of it."""

    night: date
    taken: int
    stock: int
    version: int


class OrderNight(Base):
    """One night that an order holds, and how many rooms or beds of it. Deleted when the night is free again."""

    __tablename__ = "order_night"

    order_id: Mapped[int] = mapped_column(ForeignKey("homestay_order.id"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    units: Mapped[int]

    __table_args__ = (CheckConstraint("units >= 1", "units"),)


class OrderTransition(Base):
    """One change of the trade state. Append-only: a trigger refuses updates and deletes."""

    __tablename__ = "order_transition"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("homestay_order.id"))
    seq: Mapped[int]
    from_state: Mapped[int | None] = mapped_column(SmallInteger)
    to_state: Mapped[int] = mapped_column(SmallInteger)
    cause: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("order_id", "seq"),
        CheckConstraint(
            "case when from_state is null then to_state = 0 and seq = 1"
            " when from_state = 0 then to_state in (1, -1) and seq > 1"
            " when from_state = 1 then to_state in (2, 3, 4) and seq > 1 else false end",
            "legal",
        ),
        # Rows lie in the order of their times and never change: it costs next to nothing where each order is written.
        Index("ix_order_transition_created_at", "created_at", postgresql_using="brin"),
        Index("ix_order_transition_used", "created_at", postgresql_where=text("to_state = 2")),
        Index("ix_order_transition_refunded", "created_at", postgresql_where=text("to_state = 3")),
    )


class OrderPayment(Base):
    """The latest known version of a payment."""

    __tablename__ = "order_payment"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("homestay_order.id"), index=True)
    payment_sn: Mapped[str] = mapped_column(String(32), unique=True)
    version: Mapped[int]
    pay_status: Mapped[int] = mapped_column(SmallInteger)
    total_fen: Mapped[int] = mapped_column(BigInteger)
    refunded_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    paid_at: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __table_args__ = (
        CheckConstraint("version >= 1", "version"),
        CheckConstraint("pay_status in (1, 2)", "pay_status"),
        CheckConstraint("total_fen > 0", "total"),
        CheckConstraint("refunded_fen between 0 and total_fen", "refunded_within_total"),
    )


class OrderRefund(Base):
    """One refund that was requested from payment: all of a payment or a part of it. At most one of a payment is under way,
    so that what payment reports as refunded is known to be this one."""

    __tablename__ = "order_refund"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("homestay_order.id"), index=True)
    payment_sn: Mapped[str] = mapped_column(ForeignKey("order_payment.payment_sn"), index=True)
    request_sn: Mapped[str] = mapped_column(String(32), unique=True)
    request_key: Mapped[str | None] = mapped_column(String(128))
    """The host's Idempotency-Key."""
    cause: Mapped[str] = mapped_column(String(32))
    refund_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16), default="requested")
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("order_id", "request_key"),
        CheckConstraint("refund_fen > 0", "refund"),
        CheckConstraint("state in ('requested', 'returned', 'failed')", "state"),
        CheckConstraint("(state = 'requested') = (ended_at is null)", "ended"),
        Index("uq_order_refund_under_way", "payment_sn", unique=True, postgresql_where=text(REFUND_UNDER_WAY)),
        Index("ix_order_refund_requested_at", "requested_at", postgresql_where=text(REFUND_UNDER_WAY)),
    )


class CheckinMiss(Base):
    """A wrong check-in code that a merchant entered; counted to stop guessing."""

    __tablename__ = "checkin_miss"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    missed_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_checkin_miss_merchant", "merchant_id", "missed_at"),
        Index("ix_checkin_miss_missed_at", "missed_at"),
    )
