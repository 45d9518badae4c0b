"""All queries of the order service. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, select, text, update
from sqlalchemy.orm import InstrumentedAttribute

from order.models import PAID_STAY, CheckinMiss, HomestayOrder, OrderPayment, OrderTransition
from order.states import RefundState, TradeState
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


async def by_request_key(tx: Transaction, user_id: int, key: str) -> HomestayOrder | None:
    return (await tx.scalars(_BY_REQUEST_KEY, {"user_id": user_id, "key": key})).first()


async def by_sn(tx: Transaction, sn: str, *, user_id: int | None = None) -> HomestayOrder | None:
    """The order; None also for one of another user when `user_id` is given."""
    order = (await tx.scalars(_BY_SN, {"sn": sn})).first()
    return order if order is not None and user_id in {None, order.user_id} else None


async def newest_of(session: Transaction, which: ColumnElement[bool], *, limit: int) -> Sequence[HomestayOrder]:
    """Orders of which `which` is true, newest first; it names an indexed column."""
    query = select(HomestayOrder).where(which).order_by(HomestayOrder.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


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


async def transitions(session: Transaction, order_id: int) -> Sequence[OrderTransition]:
    """Oldest first."""
    query = select(OrderTransition).where(OrderTransition.order_id == order_id).order_by(OrderTransition.seq)
    return (await session.scalars(query)).all()


@dataclass(frozen=True)
class Confirmed:
    """Orders that became paid in the step that begins at `at`; `seconds`: from WeChat's payment until then, (median, 99th
    percentile)."""

    at: datetime
    count: int
    seconds: tuple[float, float]


CONFIRMED = text(
    "select date_bin(cast(:step as interval), t.created_at, cast(:since as timestamptz)) as at, count(*),"
    " percentile_cont(array[0.5, 0.99]) within group"
    " (order by greatest(0, extract(epoch from t.created_at - o.paid_at))::float8)"
    " from order_transition t join homestay_order o on o.id = t.order_id"
    " where t.to_state = 1 and t.created_at >= :since and t.created_at < :until group by 1 order by 1"
)


async def confirmed(session: Transaction, since: datetime, until: datetime, step: timedelta) -> Sequence[Confirmed]:
    """Oldest step first, without those in which no order became paid."""
    rows = await session.execute(CONFIRMED, {"since": since, "until": until, "step": step})
    return [Confirmed(at, count, (p50, p99)) for at, count, (p50, p99) in rows]


async def arrivals(session: Transaction, merchant_id: int, day: date, *, most: int) -> Sequence[HomestayOrder]:
    """The merchant's orders that begin on a day and are paid and not given back, oldest first."""
    query = select(HomestayOrder).where(
        HomestayOrder.homestay_user_id == merchant_id, HomestayOrder.live_start_date == day, text(PAID_STAY)
    )
    return (await session.scalars(query.order_by(HomestayOrder.id).limit(most))).all()


async def ended_between(
    session: Transaction, end_state: TradeState, begin: datetime, end: datetime, *, above: int, size: int
) -> Sequence[tuple[int, datetime, HomestayOrder]]:
    """Orders that reached `end_state`, as (transition id, time, order), oldest row first; `above` 0 starts at the first.
    Refunded ones only if something was kept."""
    query = (
        select(OrderTransition.id, OrderTransition.created_at, HomestayOrder)
        .join(HomestayOrder, HomestayOrder.id == OrderTransition.order_id)
        .where(
            OrderTransition.to_state == end_state,
            OrderTransition.created_at >= begin,
            OrderTransition.created_at < end,
            OrderTransition.id > above,
        )
        .order_by(OrderTransition.id)
        .limit(size)
    )
    if end_state is TradeState.REFUNDED:
        query = query.where(HomestayOrder.refunded_fen < HomestayOrder.order_total_fen)
    return (await session.execute(query)).tuples().all()
