"""Finds payments for operators, and tells how the payments and refunds of an order went, as the ledger has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping

from payment.ledger import inspection_repository
from payment.ledger.inspection_repository import Records
from payment.models import PayoutItem, ProviderNotice, Refund, ThirdPayment
from servicekit import acts
from servicekit.db import Database
from servicekit.steps import Step, in_order


@dataclass(frozen=True)
class History:
    """Of one order: its payments and refunds, notices about them, what they add to payouts, and
    all steps, oldest first."""

    payments: Sequence[ThirdPayment]
    refunds: Sequence[Refund]
    notices: Sequence[ProviderNotice]
    payout: Sequence[PayoutItem]
    steps: list[Step]


@dataclass(kw_only=True, eq=False)
class Inspection:
    db: Database

    async def find(self, number: str) -> Sequence[ThirdPayment]:
        """The payments of every order that has this number, or a payment or refund with it: our number or WeChat's."""
        async with self.db.read() as session:
            orders = await inspection_repository.orders_with(session, number)
            return await inspection_repository.payments_of(session, orders) if orders else []

    async def history(self, order_sn: str) -> History:
        """Empty for an order without a payment."""
        async with self.db.read() as session:
            found = await inspection_repository.records(session, order_sn)
            subjects = [f"payment:{each.sn}" for each in found.payments]
            subjects += [f"refund:{each.sn}" for each in found.refunds]
            subjects += [f"notice:{each.id}" for each in found.notices]
            done = await acts.of_subjects(session, subjects) if subjects else []
        return History(found.payments, found.refunds, found.notices, found.payout, in_order(_steps(found, done)))


def _steps(found: Records, done: Sequence[RowMapping]) -> list[Step]:
    sns = {each.id: each.sn for each in found.payments}
    refund_sns = {each.id: each.sn for each in found.refunds}
    steps = [step for each in found.payments for step in _of_payment(each)]
    steps += [
        Step(
            at=each.created_at,
            what="payment_status",
            number=sns[each.payment_id],
            before=str(each.from_status),
            after=str(each.to_status),
            source=each.source,
        )
        for each in found.transitions
    ]
    steps += [step for each in found.refunds for step in _of_refund(each)]
    steps += [
        Step(
            at=each.created_at,
            what="refund_state",
            number=refund_sns[each.refund_id],
            before=each.from_state,
            after=each.to_state,
            source=each.source,
        )
        for each in found.refund_transitions
    ]
    steps += [_of_notice(each) for each in found.notices]
    if found.closure is not None:
        steps.append(Step(at=found.closure.closed_at, what="order_closed_here", number=found.closure.order_sn))
    return [*steps, *map(Step.of_act, done)]


def _of_payment(payment: ThirdPayment) -> list[Step]:
    number = payment.sn
    steps = [Step(at=payment.created_at, what="payment_created", number=number, fen=payment.total_fen)]
    if payment.prepay_at is not None:
        steps.append(Step(at=payment.prepay_at, what="prepaid", number=number))
    if payment.pay_time is not None:
        steps.append(
            Step(
                at=payment.pay_time,
                what="paid_at_wechat",
                number=number,
                detail=payment.transaction_id,
                source="wechat",
            )
        )
    if payment.asked_at is not None:
        steps.append(Step(at=payment.asked_at, what="queried", number=number))
    return steps


def _of_refund(refund: Refund) -> list[Step]:
    number, fen = refund.sn, refund.refund_fen
    steps = [
        Step(
            at=refund.created_at,
            what="refund_created",
            number=number,
            source=refund.cause,
            detail=refund.request_sn,
            fen=fen,
        )
    ]
    if refund.sent_at is not None:
        steps.append(Step(at=refund.sent_at, what="refund_sent", number=number))
    if refund.success_time is not None:
        steps.append(
            Step(
                at=refund.success_time,
                what="refunded_at_wechat",
                number=number,
                detail=refund.refund_id,
                source="wechat",
            )
        )
    return steps


def _of_notice(notice: ProviderNotice) -> Step:
    number = notice.out_refund_no or notice.out_trade_no
    return Step(
        at=notice.created_at,
        what="flagged",
        number=number,
        after=notice.state,
        source=notice.source,
        detail=notice.reason,
    )
