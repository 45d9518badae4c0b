"""States of payments, refunds and notices that must end, with the age that raises an alert (servicekit.unfinished). Days of
reconciliation and payouts have a gauge of their own (daily.days.OLDEST)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select

from payment.ledger.payment_states import PayStatus
from payment.ledger.refund_states import RefundState
from payment.models import ProviderNotice, ReconciliationDifference, Refund, ThirdPayment
from servicekit.unfinished import Unfinished


def _oldest_refund(state: RefundState) -> Select[Any]:
    return select(func.min(Refund.created_at)).where(Refund.state == state)


UNFINISHED = [
    Unfinished(
        "third_payment.waiting",
        select(func.min(ThirdPayment.expires_at)).where(ThirdPayment.pay_status == PayStatus.WAITING),
        timedelta(hours=1),
    ),
    Unfinished("refund.requested", _oldest_refund(RefundState.REQUESTED), timedelta(hours=1)),
    Unfinished("refund.accepted", _oldest_refund(RefundState.ACCEPTED), timedelta(days=3)),
    Unfinished("refund.abnormal", _oldest_refund(RefundState.ABNORMAL), timedelta(days=1)),
    Unfinished(
        "provider_notice.needs_review",
        select(func.min(ProviderNotice.created_at)).where(ProviderNotice.state == "needs_review"),
        timedelta(days=1),
    ),
    Unfinished(
        "reconciliation_difference.open",
        select(func.min(ReconciliationDifference.found_at)).where(ReconciliationDifference.outcome == "open"),
        timedelta(days=1),
    ),
]
