"""Queries about payments. Opens no transaction, commits nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from payment.ledger.payment_states import PayStatus, check
from payment.models import OrderClosure, PaymentTransition, ThirdPayment
from payment.wechat.verdicts import Verdict
from servicekit import due
from servicekit.db import Transaction

_LOCK_ORDER = text("select pg_advisory_xact_lock(hashtextextended(:sn, 0))")
_STATUS_OF_ORDER = text(
    "select exists (select from order_closure where order_sn = :sn),"
    " exists (select from third_payment where order_sn = :sn and pay_status in (1, 2)),"
    " exists (select from third_payment where order_sn = :sn and pay_status = 0)"
)
_ATTACH_PREPAY = text(
    "update third_payment set prepay_id = :prepay_id, prepay_at = :moment, updated_at = now()"
    " where sn = :sn and pay_status = 0 returning id"
)


async def lock_order(tx: Transaction, order_sn: str) -> None:
    """Serialise prepay and closing of one order, also while there is no row to lock."""
    await tx.execute(_LOCK_ORDER, {"sn": order_sn})


async def by_sn(session: AsyncSession, sn: str) -> ThirdPayment | None:
    return (await session.scalars(select(ThirdPayment).where(ThirdPayment.sn == sn))).one_or_none()


async def lock_by_sn(tx: Transaction, sn: str) -> ThirdPayment | None:
    return (await tx.scalars(select(ThirdPayment).where(ThirdPayment.sn == sn).with_for_update())).one_or_none()


async def by_transaction(session: AsyncSession, transaction_id: str) -> ThirdPayment | None:
    """The payment settled by this transaction of WeChat."""
    query = select(ThirdPayment).where(ThirdPayment.transaction_id == transaction_id)
    return (await session.scalars(query)).one_or_none()


async def open_of_order(session: AsyncSession, order_sn: str) -> ThirdPayment | None:
    query = select(ThirdPayment).where(ThirdPayment.order_sn == order_sn, ThirdPayment.pay_status == PayStatus.WAITING)
    return (await session.scalars(query)).one_or_none()


async def paid_of_order(session: AsyncSession, order_sn: str) -> ThirdPayment | None:
    """The newest paid or refunded payment of the order."""
    query = (
        select(ThirdPayment)
        .where(ThirdPayment.order_sn == order_sn, ThirdPayment.pay_status.in_([PayStatus.PAID, PayStatus.REFUNDED]))
        .order_by(ThirdPayment.id.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


async def newest_of_order(session: AsyncSession, order_sn: str, user_id: int) -> ThirdPayment | None:
    """The payment to show a buyer: the paid one if there is one, else the newest."""
    query = (
        select(ThirdPayment)
        .where(ThirdPayment.order_sn == order_sn, ThirdPayment.user_id == user_id)
        .order_by(ThirdPayment.pay_status.in_([PayStatus.PAID, PayStatus.REFUNDED]).desc(), ThirdPayment.id.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


@dataclass(frozen=True)
class OrderStatus:
    """What the payments of an order allow: `is_closed` no new one, `is_paid` neither, `has_open` the open one again."""

    is_closed: bool
    is_paid: bool
    has_open: bool


async def status_of_order(tx: Transaction, order_sn: str) -> OrderStatus:
    return OrderStatus(*(await tx.execute(_STATUS_OF_ORDER, {"sn": order_sn})).one())


async def is_closed(tx: Transaction, order_sn: str) -> bool:
    return await tx.get(OrderClosure, order_sn) is not None


async def close_order(tx: Transaction, order_sn: str, moment: datetime) -> None:
    await tx.execute(insert(OrderClosure).values(order_sn=order_sn, closed_at=moment).on_conflict_do_nothing())


async def attach_prepay(tx: Transaction, sn: str, prepay_id: str, moment: datetime) -> bool:
    """False when the payment is not open any more: its prepay must not be handed out."""
    given = {"sn": sn, "prepay_id": prepay_id, "moment": moment}
    return (await tx.execute(_ATTACH_PREPAY, given)).first() is not None


def transition(tx: Transaction, payment: ThirdPayment, following: PayStatus, source: str) -> None:
    """Change the status of a locked row and log the transition. Raises IllegalTransition."""
    current = PayStatus(payment.pay_status)
    check(current, following)
    payment.version += 1
    payment.pay_status = following
    tx.add(
        PaymentTransition(
            payment_id=payment.id, seq=payment.version, from_status=current, to_status=following, source=source
        )
    )


@dataclass(frozen=True)
class LockedPayment:
    """The columns that settling needs. The row is locked in this transaction."""

    id: int
    sn: str
    order_sn: str
    service_type: str
    trade_type: str
    total_fen: int
    pay_status: int
    version: int
    transaction_id: str | None
    pay_time: datetime | None
    request: str


@dataclass(frozen=True)
class NewlyPaid:
    """A locked payment that becomes PAID: `version` is the new one, `before` the previous status."""

    id: int
    version: int
    before: PayStatus
    verdict: Verdict


_LOCK_FOR_SETTLING = text(
    "select id, sn, order_sn, service_type, trade_type, total_fen, pay_status, version, transaction_id, pay_time, request"
    " from third_payment where sn = any(cast(:sns as text[])) order by id for update skip locked"
)
_OWNERS = text("select transaction_id, id from third_payment where transaction_id = any(cast(:ids as text[]))")
_WRITE_PAID = text(
    "update third_payment p set pay_status = 1, version = v.version, trade_state = v.trade_state,"
    " transaction_id = v.transaction_id, bank_type = v.bank_type, pay_time = v.pay_time, updated_at = now()"
    " from unnest(cast(:ids as bigint[]), cast(:versions as int[]), cast(:trade_states as text[]),"
    " cast(:transaction_ids as text[]), cast(:bank_types as text[]), cast(:pay_times as timestamptz[]))"
    " as v(id, version, trade_state, transaction_id, bank_type, pay_time) where p.id = v.id"
)
_WRITE_TRANSITIONS = text(
    "insert into payment_transition (payment_id, seq, from_status, to_status, source)"
    " select id, version, before, 1, source from unnest(cast(:ids as bigint[]), cast(:versions as int[]),"
    " cast(:befores as int[]), cast(:sources as text[])) as v(id, version, before, source)"
)


async def lock_for_settling(tx: Transaction, sns: Sequence[str]) -> dict[str, LockedPayment]:
    """Lock the payments of these numbers; returns them by number. Skips rows that another transaction has locked."""
    rows = (await tx.execute(_LOCK_FOR_SETTLING, {"sns": list(sns)})).all()
    return {row.sn: LockedPayment(*row) for row in rows}


async def owners_of(tx: Transaction, transaction_ids: Sequence[str]) -> dict[str, int]:
    """Ids of the payments that these transactions of WeChat have settled, by transaction."""
    rows = (await tx.execute(_OWNERS, {"ids": list(transaction_ids)})).all()
    return {str(row.transaction_id): int(row.id) for row in rows}


async def write_paid(tx: Transaction, paid: Sequence[NewlyPaid]) -> None:
    """Set locked payments to PAID and log the transitions, with one statement per table. Raises IntegrityError where a
    transaction number belongs to another payment."""
    ids, versions = [each.id for each in paid], [each.version for each in paid]
    await tx.execute(
        _WRITE_PAID,
        {
            "ids": ids,
            "versions": versions,
            "trade_states": [each.verdict.trade_state for each in paid],
            "transaction_ids": [each.verdict.transaction_id for each in paid],
            "bank_types": [each.verdict.bank_type for each in paid],
            "pay_times": [each.verdict.success_time for each in paid],
        },
    )
    sources = [each.verdict.source for each in paid]
    befores = [int(each.before) for each in paid]
    await tx.execute(_WRITE_TRANSITIONS, {"ids": ids, "versions": versions, "befores": befores, "sources": sources})


async def claim_for_query(tx: Transaction, moment: datetime, limit: int, lease: timedelta) -> list[tuple[str, int]]:
    """Lease open payments that WeChat is to be asked about now. Returns (sn, queries so far with this one) of each."""
    c = ThirdPayment.__table__.c
    rows = await due.claim(
        tx,
        ThirdPayment.__table__,
        c.sn,
        c.tries,
        is_open=c.pay_status == PayStatus.WAITING,
        now=moment,
        lease=lease,
        limit=limit,
        values={"asked_at": moment},
    )
    return [(row["sn"], row["tries"]) for row in rows]


async def claim_return_query(
    tx: Transaction, sn: str, moment: datetime, prepaid_until: datetime, asked_until: datetime
) -> bool:
    """Claim the query of an open payment: True when its prepay and its last query are old enough. It then counts as
    queried, for all replicas."""
    claim = (
        update(ThirdPayment)
        .where(
            ThirdPayment.sn == sn,
            ThirdPayment.pay_status == PayStatus.WAITING,
            ThirdPayment.prepay_at <= prepaid_until,
            ThirdPayment.asked_at.is_(None) | (ThirdPayment.asked_at <= asked_until),
        )
        .values(asked_at=moment)
        .returning(ThirdPayment.id)
    )
    return (await tx.execute(claim)).first() is not None


async def schedule_query(tx: Transaction, sn: str, moment: datetime) -> None:
    await tx.execute(update(ThirdPayment).where(ThirdPayment.sn == sn).values(due_at=moment, **due.RELEASED))
