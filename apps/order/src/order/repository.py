"""Every query of this service. Functions take the caller's transaction and never end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Select, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from order.models import CheckinMiss, HomestayOrder, OrderPayment, OrderTransition
from order.states import RefundCause, RefundState, TradeState
from servicekit import due
from servicekit.db import Transaction
from servicekit.paging import newest_first

T = TypeVar("T")
BUYER, MERCHANT = HomestayOrder.user_id, HomestayOrder.homestay_user_id


async def add(tx: Transaction, values: dict[str, object]) -> int | None:
    """Insert an order; None when its number or the user's request key is taken."""
    statement = insert(HomestayOrder).values(values).on_conflict_do_nothing().returning(HomestayOrder.id)
    return (await tx.scalars(statement)).first()


async def by_request_key(tx: Transaction, user_id: int, key: str) -> HomestayOrder | None:
    query = select(HomestayOrder).where(HomestayOrder.user_id == user_id, HomestayOrder.request_key == key)
    return await _first(tx, query)


async def by_sn(tx: Transaction, sn: str, *, user_id: int | None = None) -> HomestayOrder | None:
    return await _first(tx, _by_sn(sn, user_id))


async def lock(tx: Transaction, sn: str, *, user_id: int | None = None) -> HomestayOrder | None:
    """The order, to be decided about: nobody else changes it before this transaction ends."""
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
    """Newest first; `below` 0 begins at the newest."""
    query = newest_first(select(HomestayOrder).where(whose == user_id), HomestayOrder.id, below=below, limit=size)
    if state is not None:
        query = query.where(HomestayOrder.trade_state == state)
    if refund is not None:
        query = query.where(HomestayOrder.refund_state == refund)
    return (await tx.scalars(query)).all()


async def add_transition(tx: Transaction, transition: OrderTransition) -> None:
    tx.add(transition)
    await tx.flush()


async def moved_at(session: Transaction, order: HomestayOrder, state: TradeState) -> datetime | None:
    query = select(OrderTransition.created_at)
    return await _first(session, query.where(OrderTransition.order_id == order.id, OrderTransition.to_state == state))


async def payment(tx: Transaction, payment_sn: str) -> OrderPayment | None:
    query = select(OrderPayment).where(OrderPayment.payment_sn == payment_sn)
    return await _first(tx, query.with_for_update())


@dataclass(frozen=True)
class LockedOrder:
    """What a payment's effect depends on. The order's row is locked in this transaction."""

    id: int
    sn: str
    trade_state: int
    version: int
    order_total_fen: int
    payment_sn: str | None


@dataclass(frozen=True)
class NewlyPaid:
    """A locked order that turns to WAIT_USE: `version` is the new one, `payment_version` the payment's."""

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
    """The orders of these numbers by number, as far as no other transaction has them locked: nothing waits here."""
    rows = (await tx.execute(_LOCK_FOR_PAYMENT, {"sns": list(sns)})).all()
    return {row.sn: LockedOrder(*row) for row in rows}


async def known_payments(tx: Transaction, sns: Sequence[str]) -> set[str]:
    """Those of the payments' numbers that an order has heard of."""
    return set((await tx.scalars(_KNOWN_PAYMENTS, {"sns": list(sns)})).all())


async def write_paid(tx: Transaction, paid: Sequence[NewlyPaid], now: datetime) -> None:
    """Turn locked orders to WAIT_USE, with the transition and the payment of each: one statement for each table. Raises
    IntegrityError where a check-in code is taken."""
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
    """Lease orders whose closing is due; from here they are not payable. Returns (sn, number of the try) of each."""
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
    """Lock stays that are over and were not used, but for those whose refund is open or failed."""
    over = (
        HomestayOrder.trade_state == TradeState.WAIT_USE,
        HomestayOrder.live_end_date <= last_day,
        HomestayOrder.refund_opened_at.is_(None),
        HomestayOrder.refund_state != RefundState.FAILED,
    )
    query = select(HomestayOrder).where(*over).order_by(HomestayOrder.live_end_date).limit(limit)
    return (await tx.scalars(query.with_for_update(skip_locked=True))).all()


async def claim_unanswered(tx: Transaction, opened_before: datetime, limit: int) -> Sequence[HomestayOrder]:
    """Lock orders whose refund waits for its merchant since `opened_before` or longer."""
    due = (HomestayOrder.refund_state == RefundState.ASKED, HomestayOrder.refund_opened_at <= opened_before)
    query = select(HomestayOrder).where(*due).order_by(HomestayOrder.refund_opened_at).limit(limit)
    return (await tx.scalars(query.with_for_update(skip_locked=True))).all()


def oldest_unanswered() -> Select[Any]:
    return select(func.min(HomestayOrder.refund_opened_at)).where(HomestayOrder.refund_state == RefundState.ASKED)


def _failed_refunds() -> Select[tuple[HomestayOrder]]:
    """Agreed once, come to nothing, and not asked for again. An order that was used has no refund to ask for."""
    return select(HomestayOrder).where(
        HomestayOrder.trade_state == TradeState.WAIT_USE, HomestayOrder.refund_state == RefundState.FAILED
    )


async def failed_refunds_page(session: Transaction, *, below: int, size: int) -> Sequence[HomestayOrder]:
    """Newest first; `below` 0 begins at the newest."""
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
    """The merchant's own order of this code: the valid one, else the newest that had it."""
    query = (
        select(HomestayOrder)
        .where(HomestayOrder.checkin_code == code, HomestayOrder.homestay_user_id == merchant_id)
        .order_by((HomestayOrder.trade_state == TradeState.WAIT_USE).desc(), HomestayOrder.id.desc())
        .limit(1)
    )
    return await _first(tx, query.with_for_update())


async def lock_checkins_of(tx: Transaction, merchant_id: int) -> None:
    """Until this transaction ends, no other attempt of the merchant runs: else guesses side by side escape the count."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"checkin:{merchant_id}", 0))))


async def misses_since(tx: Transaction, merchant_id: int, since: datetime) -> tuple[int, datetime | None]:
    """How many wrong codes, and when the oldest of them was entered."""
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
    """Orders that are being closed and are not closed yet, newest first."""
    closing = select(HomestayOrder).where(
        HomestayOrder.trade_state == TradeState.WAIT_PAY, HomestayOrder.closing_at.is_not(None)
    )
    query = newest_first(closing, HomestayOrder.id, below=below, limit=size)
    return (await session.scalars(query)).all()


def oldest_closing() -> Select[Any]:
    return select(func.min(HomestayOrder.closing_at)).where(HomestayOrder.trade_state == TradeState.WAIT_PAY)


def oldest_unpaid() -> Select[Any]:
    """When the time to pay ended; lies ahead while it runs."""
    return select(func.min(HomestayOrder.close_at)).where(HomestayOrder.trade_state == TradeState.WAIT_PAY)


def oldest_stay_over() -> Select[Any]:
    """The first last day of stays that nothing holds, as `claim_expired`: the first of the index `…_stay_over` that is none
    of the few with a refund that is open or failed. The day itself: no index is sorted by an expression of it."""
    return select(func.min(HomestayOrder.live_end_date)).where(
        HomestayOrder.trade_state == TradeState.WAIT_USE,
        HomestayOrder.refund_opened_at.is_(None),
        HomestayOrder.refund_state != RefundState.FAILED,
    )


def oldest_refund_requested() -> Select[Any]:
    """When payment was told to give money back that is not back; without a buyer's refund that it said it cannot give."""
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
    """Check-ins as (transition's id, moment, order), oldest row first; `above` 0 begins at the first."""
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
