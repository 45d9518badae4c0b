"""Queries about payments. Opens no transaction, commits nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from payment.ledger.payment_states import PayStatus, check
from payment.models import OrderClosure, PaymentTransition, ThirdPayment
from servicekit import due
from servicekit.db import Transaction

_LOCK_ORDER = text("select pg_advisory_xact_lock(hashtextextended(:sn, 0))")
_STATUS_OF_ORDER = text(
    "select exists (select from order_closure where order_sn = :sn),"
    " exists (select from third_payment where order_sn = :sn and pay_status in (1, 2)),"
    " exists (select from third_payment where order_sn = :sn and pay_status = 0)"
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
