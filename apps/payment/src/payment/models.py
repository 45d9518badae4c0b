"""The tables of payment. Amounts are in fen; check constraints hold the invariants, whatever the code does."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column

from servicekit.db import Base as ServiceBase
from servicekit.db import new_metadata
from servicekit.due import Leased, due_index


class Base(ServiceBase):
    __abstract__ = True
    metadata = new_metadata()


HAS_PAYER = "pay_status <> 0 and request like '%\"payer\"%'"
"""An open payment's request is sent again, byte for byte."""
HAS_REASON = "state in ('succeeded', 'closed') and reason <> ''"


class ThirdPayment(Leased, Base):
    """One attempt to pay one order. Written before WeChat is called; `sn` is WeChat's out_trade_no. The leased work of a
    row is the query about it while it is open."""

    __tablename__ = "third_payment"
    __table_args__ = (
        CheckConstraint("total_fen > 0", name="total_positive"),
        CheckConstraint("refunded_fen between 0 and total_fen", name="refunded_within_total"),
        CheckConstraint("pay_status between -1 and 2", name="pay_status_known"),
        CheckConstraint("(pay_status in (1, 2)) = (pay_time is not null)", name="paid_has_time"),
        Index("uq_third_payment_open", "order_sn", unique=True, postgresql_where=text("pay_status = 0")),
        due_index("third_payment", is_open=text("pay_status = 0")),
        Index("ix_third_payment_order_sn", "order_sn"),
        Index("ix_third_payment_payers", "created_at", postgresql_where=text(HAS_PAYER)),
        Index("ix_third_payment_pay_time", "pay_time", postgresql_where=text("pay_time is not null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sn: Mapped[str] = mapped_column(Text, unique=True)
    order_sn: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int] = mapped_column(BigInteger)
    service_type: Mapped[str] = mapped_column(Text)
    pay_mode: Mapped[str] = mapped_column(Text, default="WECHAT_PAY")
    trade_type: Mapped[str] = mapped_column(Text, default="JSAPI")
    total_fen: Mapped[int] = mapped_column(BigInteger)
    refunded_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    pay_status: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    request: Mapped[str] = mapped_column(Text)
    """The body of the prepay request, byte for byte: a retry must send the same bytes."""
    prepay_id: Mapped[str | None] = mapped_column(Text)
    prepay_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    trade_state: Mapped[str] = mapped_column(Text, default="NOTPAY")
    transaction_id: Mapped[str | None] = mapped_column(Text, unique=True)
    bank_type: Mapped[str | None] = mapped_column(Text)
    pay_time: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    """When WeChat was last queried, by cron or for a polling buyer; all replicas keep the minimum interval after it.
    The column keeps its older name, that of the public member `askedAt`."""
    refund_sent_at: Mapped[datetime | None]
    """When a new refund was last submitted to WeChat, which requires a minute between two of one payment."""
    billed_on: Mapped[date | None]
    """The day on whose bill the payment was found, if that is not the day of `pay_time`."""
    traceparent: Mapped[str | None] = mapped_column(Text)
    tracestate: Mapped[str | None] = mapped_column(Text)
    """Both of the start of the payment, a step of its booking's trace: settling it is the next one."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class PaymentTransition(Base):
    """Append-only log of status changes; `seq` is the version that a change made: of two racing writers one fails."""

    __tablename__ = "payment_transition"

    payment_id: Mapped[int] = mapped_column(ForeignKey("third_payment.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_status: Mapped[int]
    to_status: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderClosure(Base):
    """An order that was closed: once this row exists no payment may be opened for it."""

    __tablename__ = "order_closure"

    order_sn: Mapped[str] = mapped_column(Text, primary_key=True)
    closed_at: Mapped[datetime]


class Refund(Leased, Base):
    """One attempt to refund a request. `sn` is WeChat's out_refund_no, the same at every retry; when WeChat closes the
    number, the request is issued again as a new row, the next `attempt`. The leased work of a row is to submit it, or to
    query it, until it has ended."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("refund_fen > 0", name="refund_positive"),
        CheckConstraint("state in ('requested', 'accepted', 'succeeded', 'abnormal', 'closed')", name="state_known"),
        CheckConstraint("(state = 'succeeded') = (success_time is not null)", name="succeeded_has_time"),
        CheckConstraint("(sent_at is null) or (request is not null)", name="sent_what_was_stored"),
        CheckConstraint(
            "sent_elsewhere_at is null or state in ('abnormal', 'succeeded', 'closed')", name="elsewhere_after_abnormal"
        ),
        UniqueConstraint("request_sn", "attempt"),
        Index("uq_refund_live", "request_sn", unique=True, postgresql_where=text("state <> 'closed'")),
        Index("ix_refund_payment_sn", "payment_sn"),
        Index("ix_refund_reasons", "created_at", postgresql_where=text(HAS_REASON)),
        Index("ix_refund_refund_id", "refund_id", postgresql_where=text("refund_id is not null")),
        due_index("refund", is_open=text("state in ('requested', 'accepted', 'abnormal')")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sn: Mapped[str] = mapped_column(Text, unique=True)
    request_sn: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(default=1)
    payment_sn: Mapped[str] = mapped_column(ForeignKey("third_payment.sn"))
    order_sn: Mapped[str] = mapped_column(Text)
    refund_fen: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="requested")
    version: Mapped[int] = mapped_column(default=1)
    request: Mapped[str | None] = mapped_column(Text)
    """The body of the refund request, byte for byte, stored before the first call."""
    sent_at: Mapped[datetime | None]
    refund_id: Mapped[str | None] = mapped_column(Text)
    success_time: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)
    """Why the refund does not complete without an operator."""
    sent_elsewhere_at: Mapped[datetime | None]
    """When an operator rerouted an abnormal refund; cleared when WeChat reports that the new route failed as well."""
    billed_on: Mapped[date | None]
    """The day on whose bill the refund was first found; it may succeed days after it was requested."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ProviderNotice(Base):
    """An entry of the review queue (ledger/reviews.py); adding one changes no payment and no refund."""

    __tablename__ = "provider_notice"
    __table_args__ = (
        UniqueConstraint(
            "out_trade_no",
            "reason",
            "transaction_id",
            "out_refund_no",
            name="uq_provider_notice_once",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("state in ('needs_review', 'resolved')", name="state_known"),
        Index("ix_provider_notice_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    out_trade_no: Mapped[str] = mapped_column(Text)
    transaction_id: Mapped[str | None] = mapped_column(Text)
    out_refund_no: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    total_fen: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, default="needs_review")
    seen: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    refund_cause: Mapped[str | None] = column_property(
        select(Refund.cause).where(Refund.sn == out_refund_no).scalar_subquery(), expire_on_flush=False
    )
    """Read with the notice, no column: the cause of the refund `out_refund_no`; None where the ledger has none."""


class RefundApproval(Base):
    """A refund that is to be sent elsewhere and waits for a second operator. What it says is never changed (a trigger
    refuses it): only its state, once, and then `request` goes."""

    __tablename__ = "refund_approval"
    __table_args__ = (
        CheckConstraint("state in ('wanted', 'approved', 'declined', 'expired')", name="state_known"),
        CheckConstraint("(bank_type is null) = (account_tail is null)", name="card_or_merchant"),
        CheckConstraint("(state = 'wanted') = (request is not null)", name="request_while_wanted"),
        CheckConstraint(
            "(state in ('approved', 'declined')) = (decided_by is not null)"
            " and (decided_by is null) = (decided_at is null)",
            name="decided_by_someone",
        ),
        CheckConstraint("state <> 'approved' or decided_by <> requested_by", name="four_eyes"),
        Index("uq_refund_approval_waiting", "refund_sn", unique=True, postgresql_where=text("state = 'wanted'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    refund_sn: Mapped[str] = mapped_column(ForeignKey("refund.sn"))
    refund_fen: Mapped[int] = mapped_column(BigInteger)
    bank_type: Mapped[str | None] = mapped_column(Text)
    """Of the buyer's card; null: the merchant's own account."""
    account_tail: Mapped[str | None] = mapped_column(Text)
    """The card's last four digits."""
    request: Mapped[str | None] = mapped_column(Text)
    """The request to WeChat, byte for byte; card number and name in it are encrypted for WeChat."""
    serial: Mapped[str] = mapped_column(Text)
    """Of WeChat's key that they are encrypted with."""
    state: Mapped[str] = mapped_column(Text, default="wanted")
    requested_by: Mapped[int] = mapped_column(BigInteger)
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None] = mapped_column(Text)


class RefundTransition(Base):
    """Append-only log of a refund's state changes, as PaymentTransition."""

    __tablename__ = "refund_transition"

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_state: Mapped[str] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Reconciliation(Base):
    """The reconciliation of one day: `wanted` until the whole bill was compared. The figures are the bill's."""

    __tablename__ = "reconciliation"
    __table_args__ = (CheckConstraint("state in ('wanted', 'done')", name="state_known"),)

    bill_date: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(Text, default="wanted")
    problem: Mapped[str | None] = mapped_column(Text)
    next_attempt_at: Mapped[datetime]
    has_bill: Mapped[bool | None]
    """False when WeChat reports no transactions on that day."""
    payments: Mapped[int | None]
    payments_fen: Mapped[int | None] = mapped_column(BigInteger)
    refunds: Mapped[int | None]
    refunds_fen: Mapped[int | None] = mapped_column(BigInteger)
    fee_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 5))
    not_ours_payments: Mapped[int | None]
    """The part of the figures above that belongs to another app of the merchant, or to numbers not in our format."""
    not_ours_payments_fen: Mapped[int | None] = mapped_column(BigInteger)
    not_ours_refunds: Mapped[int | None]
    not_ours_refunds_fen: Mapped[int | None] = mapped_column(BigInteger)
    not_ours_fee_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 5))
    of_other_days: Mapped[int | None]
    """Payments whose time is on another day; they are compared as well."""
    unreadable: Mapped[int | None]
    """Lines that could not be parsed: in no figure, each a difference of its own."""
    finished_at: Mapped[datetime | None]


class ReconciliationDifference(Base):
    """A difference between bill and ledger, recorded once; `outcome` never returns to open."""

    __tablename__ = "reconciliation_difference"
    __table_args__ = (
        UniqueConstraint("bill_date", "kind", "subject", "number", name="uq_reconciliation_difference_once"),
        CheckConstraint(
            "kind in ('missing_here', 'missing_there', 'amount', 'state', 'unreadable')", name="kind_known"
        ),
        CheckConstraint("subject in ('payment', 'refund', 'line')", name="subject_known"),
        CheckConstraint("outcome in ('open', 'settled', 'asked', 'review', 'mended')", name="outcome_known"),
        Index("ix_reconciliation_difference_open", "bill_date", "id", postgresql_where=text("outcome = 'open'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bill_date: Mapped[date]
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    payment_sn: Mapped[str] = mapped_column(Text)
    ours_state: Mapped[str | None] = mapped_column(Text)
    theirs_state: Mapped[str | None] = mapped_column(Text)
    ours_fen: Mapped[int | None] = mapped_column(BigInteger)
    theirs_fen: Mapped[int | None] = mapped_column(BigInteger)
    line: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """What a repair needs of the bill's line; for an unreadable one its `text` and `why`."""
    repair: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text, default="open")
    found_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PayoutDay(Base):
    """A day in Shanghai whose payouts are scheduled; `completed_at` is null until they are computed."""

    __tablename__ = "payout_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    completed_at: Mapped[datetime | None]


class PayoutRecord(Base):
    """The payout due to a homestay business for a day. Immutable: what is learned later is the next `seq` of the day."""

    __tablename__ = "payout_record"
    __table_args__ = (
        UniqueConstraint("homestay_business_id", "day", "seq"),
        CheckConstraint("seq >= 1", name="seq_positive"),
        CheckConstraint("stays >= 0 and stays_fen >= 0 and refunds >= 0 and refunds_fen >= 0", name="sums_positive"),
        CheckConstraint("net_fen = stays_fen - refunds_fen - fee_fen", name="net_adds_up"),
        Index("ix_payout_record_day", "day"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    homestay_business_id: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[date]
    seq: Mapped[int]
    stays: Mapped[int]
    stays_fen: Mapped[int] = mapped_column(BigInteger)
    refunds: Mapped[int]
    refunds_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    """WeChat's fee, less the part that it returned with refunds."""
    net_fen: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class PayoutStay(Base):
    """Whose stay an item is about: written once, when the stay becomes one. `title`: the homestay's when it was booked."""

    __tablename__ = "payout_stay"
    __table_args__ = (
        UniqueConstraint("payment_sn"),
        Index("ix_payout_stay_host_id", "host_id", "homestay_business_id"),
    )

    order_sn: Mapped[str] = mapped_column(Text, primary_key=True)
    payment_sn: Mapped[str] = mapped_column(ForeignKey("third_payment.sn"))
    homestay_business_id: Mapped[int] = mapped_column(BigInteger)
    homestay_id: Mapped[int] = mapped_column(BigInteger)
    host_id: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text)


class PayoutItem(Base):
    """One stay (or cancelled order of which a part is kept) or one refund; it belongs to exactly one record, once its day
    is summed up (`record_id`)."""

    __tablename__ = "payout_item"
    __table_args__ = (
        CheckConstraint("kind in ('stay', 'refund')", name="kind_known"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        Index("ix_payout_item_payment_sn", "payment_sn"),
        Index("ix_payout_item_open", "day", postgresql_where=text("record_id is null")),
    )

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[str] = mapped_column(Text, primary_key=True)
    """Number of the order (stay) or of the refund."""
    payment_sn: Mapped[str] = mapped_column(ForeignKey("third_payment.sn"))
    homestay_business_id: Mapped[int] = mapped_column(BigInteger)
    day: Mapped[date]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("payout_record.id"), index=True)
