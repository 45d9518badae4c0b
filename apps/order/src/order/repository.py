"""All queries of the order service. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, TextClause, bindparam, delete, func, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute

from order.models import CheckinMiss, HomestayOrder, OrderPayment, OrderTransition
from order.states import RefundCause, RefundState, TradeState
from servicekit import due
from servicekit.db import Transaction
from servicekit.paging import newest_first

T = TypeVar("T")
BUYER, MERCHANT = HomestayOrder.user_id, HomestayOrder.homestay_user_id


# Built once: to build, and to compile an `on conflict`, costs more than to execute.
_BY_REQUEST_KEY = select(HomestayOrder).where(
    HomestayOrder.user_id == bindparam("user_id"), HomestayOrder.request_key == bindparam("key")
)
_BY_SN = select(HomestayOrder).where(HomestayOrder.sn == bindparam("sn"))
_ADD_TRANSITION = text(
    "insert into order_transition (order_id, seq, from_state, to_state, cause, detail, created_at)"
    " values (:order_id, :seq, :from_state, :to_state, :cause, :detail, :created_at)"
)


async def add(tx: Transaction, values: dict[str, object]) -> int | None:
    """Insert an order and return its id; None when its number or the user's request key exists."""
    return (await tx.execute(_adding(tuple(values)), values)).scalar()


@cache
def _adding(columns: tuple[str, ...]) -> TextClause:
    names, given = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return text(f"insert into homestay_order ({names}) values ({given}) on conflict do nothing returning id")  # noqa: S608 - names of columns, from code


async def by_request_key(tx: Transaction, user_id: int, key: str) -> HomestayOrder | None:
    return (await tx.scalars(_BY_REQUEST_KEY, {"user_id": user_id, "key": key})).first()


async def by_sn(tx: Transaction, sn: str, *, user_id: int | None = None) -> HomestayOrder | None:
    """The order; None also for one of another user when `user_id` is given."""
    order = (await tx.scalars(_BY_SN, {"sn": sn})).first()
    return order if order is not None and user_id in {None, order.user_id} else None


async def lock(tx: Transaction, sn: str, *, user_id: int | None = None) -> HomestayOrder | None:
    """The order, its row locked until the transaction ends."""
    return await _first(tx, _by_sn(sn, user_id).with_for_update())


async def _first(tx: Transaction, query: Select[tuple[T]]) -> T | None:
    return (await tx.scalars(query)).first()


def _by_sn(sn: str, user_id: int | None) -> Select[tuple[HomestayOrder]]:
    query = select(HomestayOrder).where(HomestayOrder.sn == sn)
    return query if user_id is None else query.where(HomestayOrder.user_id == user_id)


async def page(
    tx: Transaction,
    whose: InstrumentedAttribute[int],
    user_id: int,
    *,
    below: int,
    size: int,
    state: TradeState | None,
    refund: RefundState | None = None,
) -> Sequence[HomestayOrder]:
    """Newest first; `below` 0 starts at the newest."""
    query = newest_first(select(HomestayOrder).where(whose == user_id), HomestayOrder.id, below=below, limit=size)
    if state is not None:
        query = query.where(HomestayOrder.trade_state == state)
    if refund is not None:
        query = query.where(HomestayOrder.refund_state == refund)
    return (await tx.scalars(query)).all()


async def add_transition(tx: Transaction, transition: OrderTransition) -> None:
    if tx.new or tx.dirty:
        await tx.flush()  # the order's own changes come first
    columns = ("order_id", "seq", "from_state", "to_state", "cause", "detail", "created_at")
    await tx.execute(_ADD_TRANSITION, {column: getattr(transition, column) for column in columns})


async def moved_at(session: Transaction, order: HomestayOrder, state: TradeState) -> datetime | None:
    query = select(OrderTransition.created_at)
    return await _first(session, query.where(OrderTransition.order_id == order.id, OrderTransition.to_state == state))


async def payment(tx: Transaction, payment_sn: str) -> OrderPayment | None:
    query = select(OrderPayment).where(OrderPayment.payment_sn == payment_sn)
    return await _first(tx, query.with_for_update())


@dataclass(frozen=True)
class LockedOrder:
    """The columns that the effect of a payment depends on. The row is locked in this transaction."""

    id: int
    sn: str
    trade_state: int
    version: int
    order_total_fen: int
    payment_sn: str | None


@dataclass(frozen=True)
class NewlyPaid:
    """A locked order that changes to WAIT_USE: `version` is its new version, `payment_version` the payment's."""

    id: int
    sn: str
    version: int
    code: str
    payment_sn: str
    payment_version: int
    total_fen: int
    paid_at: datetime


_LOCK_FOR_PAYMENT = text(
    "select id, sn, trade_state, version, order_total_fen, payment_sn from homestay_order"
    " where sn = any(cast(:sns as text[])) order by id for update skip locked"
)
_KNOWN_PAYMENTS = text("select payment_sn from order_payment where payment_sn = any(cast(:sns as text[]))")
_WRITE_PAID = text(
    "update homestay_order o set trade_state = 1, version = v.version, payment_sn = v.payment_sn, paid_at = v.paid_at,"
    " checkin_code = v.code, closing_at = null, leased_until = null, updated_at = now()"
    " from unnest(cast(:ids as bigint[]), cast(:versions as int[]), cast(:payment_sns as text[]),"
    " cast(:paid_ats as timestamptz[]), cast(:codes as text[])) as v(id, version, payment_sn, paid_at, code)"
    " where o.id = v.id"
)
_WRITE_TRANSITIONS = text(
    "insert into order_transition (order_id, seq, from_state, to_state, cause, detail, created_at)"
    " select id, version, 0, 1, 'paid', payment_sn, :now from unnest(cast(:ids as bigint[]), cast(:versions as int[]),"
    " cast(:payment_sns as text[])) as v(id, version, payment_sn)"
)
_WRITE_PAYMENTS = text(
    "insert into order_payment (order_id, payment_sn, version, pay_status, total_fen, paid_at, created_at)"
    " select id, payment_sn, payment_version, 1, total_fen, paid_at, :now from unnest(cast(:ids as bigint[]),"
    " cast(:payment_sns as text[]), cast(:payment_versions as int[]), cast(:totals as bigint[]),"
    " cast(:paid_ats as timestamptz[])) as v(id, payment_sn, payment_version, total_fen, paid_at)"
)


async def lock_for_payment(tx: Transaction, sns: Sequence[str]) -> dict[str, LockedOrder]:
    """The orders by number, without those that another transaction has locked: this never waits."""
    rows = (await tx.execute(_LOCK_FOR_PAYMENT, {"sns": list(sns)})).all()
    return {row.sn: LockedOrder(*row) for row in rows}


async def known_payments(tx: Transaction, sns: Sequence[str]) -> set[str]:
    """Those of the payment numbers that have a row in order_payment."""
    return set((await tx.scalars(_KNOWN_PAYMENTS, {"sns": list(sns)})).all())


async def write_paid(tx: Transaction, paid: Sequence[NewlyPaid], now: datetime) -> None:
    """Change locked orders to WAIT_USE, with transition and payment rows: one statement per table. Raises IntegrityError
    when a check-in code is in use."""
    ids, versions = [each.id for each in paid], [each.version for each in paid]
    payment_sns, paid_ats = [each.payment_sn for each in paid], [each.paid_at for each in paid]
    both = {"ids": ids, "versions": versions, "payment_sns": payment_sns}
    await tx.execute(_WRITE_PAID, {**both, "paid_ats": paid_ats, "codes": [each.code for each in paid]})
    await tx.execute(_WRITE_TRANSITIONS, {**both, "now": now})
    await tx.execute(
        _WRITE_PAYMENTS,
        {
            "ids": ids,
            "payment_sns": payment_sns,
            "payment_versions": [each.payment_version for each in paid],
            "totals": [each.total_fen for each in paid],
            "paid_ats": paid_ats,
            "now": now,
        },
    )


async def claim_closing(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[tuple[str, int]]:
    """Lease orders whose closing is due; from then on they are not payable. Returns (sn, number of the try) of each."""
    c = HomestayOrder.__table__.c
    rows = await due.claim(
        tx,
        HomestayOrder.__table__,
        c.sn,
        c.tries,
        is_open=c.trade_state == TradeState.WAIT_PAY,
        now=now,
        lease=lease,
        limit=limit,
        values={
            "closing_at": func.coalesce(c.closing_at, now),
            "close_cause": func.coalesce(c.close_cause, "unpaid"),
        },
    )
    return [(row["sn"], row["tries"]) for row in rows]


async def postpone_closing(tx: Transaction, sn: str, until: datetime) -> None:
    await tx.execute(
        update(HomestayOrder)
        .where(HomestayOrder.sn == sn, HomestayOrder.trade_state == TradeState.WAIT_PAY)
        .values(due_at=until, **due.RELEASED)
    )


async def claim_expired(tx: Transaction, last_day: date, limit: int) -> Sequence[HomestayOrder]:
    """Lock unused orders whose stay has ended, except those with an open or failed refund."""
    over = (
        HomestayOrder.trade_state == TradeState.WAIT_USE,
        HomestayOrder.live_end_date <= last_day,
        HomestayOrder.refund_opened_at.is_(None),
        HomestayOrder.refund_state != RefundState.FAILED,
    )
    query = select(HomestayOrder).where(*over).order_by(HomestayOrder.live_end_date).limit(limit)
    return (await tx.scalars(query.with_for_update(skip_locked=True))).all()


async def claim_unanswered(tx: Transaction, opened_before: datetime, limit: int) -> Sequence[HomestayOrder]:
    """Lock orders whose refund request has waited for the merchant since `opened_before` or longer."""
    due = (HomestayOrder.refund_state == RefundState.ASKED, HomestayOrder.refund_opened_at <= opened_before)
    query = select(HomestayOrder).where(*due).order_by(HomestayOrder.refund_opened_at).limit(limit)
    return (await tx.scalars(query.with_for_update(skip_locked=True))).all()


def oldest_unanswered() -> Select[Any]:
    return select(func.min(HomestayOrder.refund_opened_at)).where(HomestayOrder.refund_state == RefundState.ASKED)


def _failed_refunds() -> Select[tuple[HomestayOrder]]:
    """Orders whose refund was agreed, failed, and was not requested again. Used orders cannot be refunded any more."""
    return select(HomestayOrder).where(
        HomestayOrder.trade_state == TradeState.WAIT_USE, HomestayOrder.refund_state == RefundState.FAILED
    )


async def failed_refunds_page(session: Transaction, *, below: int, size: int) -> Sequence[HomestayOrder]:
    """Newest first; `below` 0 starts at the newest."""
    query = newest_first(_failed_refunds(), HomestayOrder.id, below=below, limit=size)
    return (await session.scalars(query)).all()


async def count_failed_refunds(session: Transaction) -> int:
    return (await session.execute(_failed_refunds().with_only_columns(func.count()))).scalar_one()


def oldest_failed_refund() -> Select[Any]:
    return _failed_refunds().with_only_columns(func.min(HomestayOrder.refund_failed_at))


async def is_code_in_use(tx: Transaction, code: str) -> bool:
    query = select(HomestayOrder.id).where(
        HomestayOrder.checkin_code == code, HomestayOrder.trade_state == TradeState.WAIT_USE
    )
    return await _first(tx, query) is not None


async def lock_by_code(tx: Transaction, code: str, merchant_id: int) -> HomestayOrder | None:
    """The merchant's order with this code: the valid one, else the newest. Its row is locked."""
    query = (
        select(HomestayOrder)
        .where(HomestayOrder.checkin_code == code, HomestayOrder.homestay_user_id == merchant_id)
        .order_by((HomestayOrder.trade_state == TradeState.WAIT_USE).desc(), HomestayOrder.id.desc())
        .limit(1)
    )
    return await _first(tx, query.with_for_update())


async def lock_checkins_of(tx: Transaction, merchant_id: int) -> None:
    """Serialise the merchant's check-ins until the transaction ends, so that parallel guesses cannot exceed the limit."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"checkin:{merchant_id}", 0))))


async def misses_since(tx: Transaction, merchant_id: int, since: datetime) -> tuple[int, datetime | None]:
    """The number of wrong codes since `since`, and when the oldest of them was entered."""
    query = select(func.count(), func.min(CheckinMiss.missed_at)).where(
        CheckinMiss.merchant_id == merchant_id, CheckinMiss.missed_at > since
    )
    count, oldest = (await tx.execute(query)).one()
    return count, oldest


async def add_miss(tx: Transaction, merchant_id: int, now: datetime) -> None:
    tx.add(CheckinMiss(merchant_id=merchant_id, missed_at=now))
    await tx.flush()


async def delete_misses(tx: Transaction, before: datetime) -> None:
    await tx.execute(delete(CheckinMiss).where(CheckinMiss.missed_at < before))


async def set_pay_type(tx: Transaction, sn: str, pay_type: str) -> None:
    await tx.execute(update(HomestayOrder).where(HomestayOrder.sn == sn).values(pay_type=pay_type))


async def closing_page(session: Transaction, *, below: int, size: int) -> Sequence[HomestayOrder]:
    """Orders that are being closed, newest first."""
    closing = select(HomestayOrder).where(
        HomestayOrder.trade_state == TradeState.WAIT_PAY, HomestayOrder.closing_at.is_not(None)
    )
    query = newest_first(closing, HomestayOrder.id, below=below, limit=size)
    return (await session.scalars(query)).all()


def oldest_closing() -> Select[Any]:
    return select(func.min(HomestayOrder.closing_at)).where(HomestayOrder.trade_state == TradeState.WAIT_PAY)


def oldest_unpaid() -> Select[Any]:
    """When the oldest time limit for a payment ends or ended."""
    return select(func.min(HomestayOrder.close_at)).where(HomestayOrder.trade_state == TradeState.WAIT_PAY)


def oldest_stay_over() -> Select[Any]:
    """The earliest day of departure of the orders that `claim_expired` would take: the first entry of the index
    `…_stay_over` without an open or failed refund. The date itself: no index is sorted by an expression of it."""
    return select(func.min(HomestayOrder.live_end_date)).where(
        HomestayOrder.trade_state == TradeState.WAIT_USE,
        HomestayOrder.refund_opened_at.is_(None),
        HomestayOrder.refund_state != RefundState.FAILED,
    )


def oldest_refund_requested() -> Select[Any]:
    """When the oldest refund that is not completed was requested from payment, without buyers' refunds that failed."""
    return (
        select(func.min(OrderPayment.refund_requested_at))
        .join(HomestayOrder, HomestayOrder.id == OrderPayment.order_id)
        .where(
            OrderPayment.refund_requested_at.is_not(None),
            OrderPayment.pay_status == 1,
            or_(OrderPayment.refund_cause != RefundCause.BUYER, HomestayOrder.refund_state != RefundState.FAILED),
        )
    )


async def used_between(
    session: Transaction, begin: datetime, end: datetime, *, above: int, size: int
) -> Sequence[tuple[int, datetime, HomestayOrder]]:
    """Check-ins as (transition id, time, order), oldest row first; `above` 0 starts at the first."""
    query = (
        select(OrderTransition.id, OrderTransition.created_at, HomestayOrder)
        .join(HomestayOrder, HomestayOrder.id == OrderTransition.order_id)
        .where(
            OrderTransition.to_state == TradeState.USED,
            OrderTransition.created_at >= begin,
            OrderTransition.created_at < end,
            OrderTransition.id > above,
        )
        .order_by(OrderTransition.id)
        .limit(size)
    )
    return (await session.execute(query)).tuples().all()
