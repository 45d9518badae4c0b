"""States of payments, refunds and notices that must end, with the age that raises an alert (servicekit.unfinished). Days of
reconciliation and payouts have a gauge of their own (daily.days.OLDEST)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import Select, func, select

from payment.ledger import refund_repository
from payment.ledger.approval_states import ApprovalState
from payment.ledger.payment_states import PayStatus
from payment.ledger.refund_states import UNSETTLED, RefundState
from payment.models import ProviderNotice, ReconciliationDifference, Refund, RefundApproval, ThirdPayment
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.unfinished import Unfinished

REFUNDS = Gauge("payment_refunds", "Refunds that have not ended, by state", ["state"])
OVERDUE = Gauge("payment_refunds_overdue", "Refunds that WeChat should have by now and has not")
SUBMITTED_WITHIN = timedelta(minutes=10)
"""The objective of docs/slo.md: `slo.yaml` has the same bound."""


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
        "refund_approval.wanted",
        select(func.min(RefundApproval.requested_at)).where(RefundApproval.state == ApprovalState.WANTED),
        timedelta(hours=4),
    ),
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


@dataclass(kw_only=True, eq=False)
class OpenRefunds:
    db: Database
    clock: Clock

    async def measure(self) -> None:
        """Set the gauges of refunds."""
        async with self.db.read() as session:
            rows = await refund_repository.count_unsettled(session, before=self.clock() - SUBMITTED_WITHIN)
        counts = {state: (number, overdue) for state, number, overdue in rows}
        for state in UNSETTLED:
            REFUNDS.labels(state.value).set(counts.get(state.value, (0, 0))[0])
        OVERDUE.set(counts.get(RefundState.REQUESTED.value, (0, 0))[1])
