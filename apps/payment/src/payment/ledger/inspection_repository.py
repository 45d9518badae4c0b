"""Queries for operators who look for a payment and at how it went. Opens no transaction, commits nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from payment.models import (
    OrderClosure,
    PaymentTransition,
    PayoutItem,
    ProviderNotice,
    Refund,
    RefundTransition,
    ThirdPayment,
)


async def payments_of(session: AsyncSession, order_sns: Sequence[str]) -> Sequence[ThirdPayment]:
    """Oldest first."""
    query = select(ThirdPayment).where(ThirdPayment.order_sn.in_(order_sns)).order_by(ThirdPayment.id)
    return (await session.scalars(query)).all()


async def orders_with(session: AsyncSession, number: str) -> Sequence[str]:
    """The orders that have this number, or a payment or refund with it: ours or WeChat's."""
    of_payments = select(ThirdPayment.order_sn).where(
        or_(ThirdPayment.order_sn == number, ThirdPayment.sn == number, ThirdPayment.transaction_id == number)
    )
    of_refunds = select(Refund.order_sn).where(
        or_(Refund.sn == number, Refund.request_sn == number, Refund.refund_id == number)
    )
    return sorted({*(await session.scalars(of_payments)).all(), *(await session.scalars(of_refunds)).all()})


@dataclass(frozen=True)
class Records:
    """All that the ledger has of one order's payments, each kind oldest first."""

    payments: Sequence[ThirdPayment]
    transitions: Sequence[PaymentTransition]
    refunds: Sequence[Refund]
    refund_transitions: Sequence[RefundTransition]
    notices: Sequence[ProviderNotice]
    payout: Sequence[PayoutItem]
    closure: OrderClosure | None


async def records(session: AsyncSession, order_sn: str) -> Records:
    payments = await payments_of(session, [order_sn])
    ids, sns = [each.id for each in payments], [each.sn for each in payments]
    refunds = (await session.scalars(select(Refund).where(Refund.payment_sn.in_(sns)).order_by(Refund.id))).all()
    changes = select(PaymentTransition).where(PaymentTransition.payment_id.in_(ids))
    refund_changes = select(RefundTransition).where(RefundTransition.refund_id.in_([each.id for each in refunds]))
    notices = select(ProviderNotice).where(ProviderNotice.out_trade_no.in_(sns)).order_by(ProviderNotice.id)
    payout = select(PayoutItem).where(PayoutItem.payment_sn.in_(sns)).order_by(PayoutItem.day)
    return Records(
        payments=payments,
        transitions=(
            await session.scalars(changes.order_by(PaymentTransition.payment_id, PaymentTransition.seq))
        ).all(),
        refunds=refunds,
        refund_transitions=(
            await session.scalars(refund_changes.order_by(RefundTransition.refund_id, RefundTransition.seq))
        ).all(),
        notices=(await session.scalars(notices)).all(),
        payout=(await session.scalars(payout)).all(),
        closure=await session.get(OrderClosure, order_sn),
    )
