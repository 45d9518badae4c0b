"""Applies WeChat's verdicts about refunds to the ledger: responses to requests and queries, callbacks, bill repairs."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog
from prometheus_client import Histogram

from payment import events
from payment.ledger import payment_repository, refund_repository
from payment.ledger.applied import Applied, flagged
from payment.ledger.batch import settled_in
from payment.ledger.mismatch import ComparedField, find_mismatch
from payment.ledger.payment_states import PayStatus
from payment.ledger.payments import VERDICTS
from payment.ledger.refund_states import ContradictoryStatus, RefundState, next_state
from payment.ledger.reviews import RESOLVED_BY_SUCCESS, Reason, flag_refund, resolve_flags
from payment.merchant import Merchant
from payment.models import Refund, ThirdPayment
from payment.wechat.verdicts import RefundVerdict
from servicekit.clock import Clock
from servicekit.db import Database, Transaction, after_commit
from servicekit.numbers import business_number
from servicekit.outbox import publish_later
from servicekit.telemetry import traces

log = structlog.get_logger()
SUBMISSION = Histogram(
    "payment_refund_submission_seconds",
    "Time from the request of a refund until WeChat has accepted or refused it",
    buckets=(1, 5, 10, 30, 60, 300, 600, 1800, 3600, 86400),
)
for _source, _did in itertools.product(("callback", "query", "request", "bill"), Applied):
    VERDICTS.labels(f"refund-{_source}", _did.value)  # from 0 on: a rate sees the first one

MAX_ATTEMPTS = 3
"""Numbers for one request, before an operator must review why WeChat closes them."""
PAUSE_BEFORE_REISSUE = timedelta(minutes=1)


@dataclass(frozen=True)
class Ours:
    """What the ledger and the settings say of a refund."""

    payment: ThirdPayment
    refund: Refund
    merchant: Merchant


COMPARED_FIELDS: Final[tuple[ComparedField[RefundVerdict, Ours], ...]] = (
    ComparedField(Reason.REFUND_MCHID, "merchant", lambda said: said.mchid, lambda ours: ours.merchant.mchid),
    ComparedField(
        Reason.REFUND_PAYMENT, "payment", lambda said: said.out_trade_no, lambda ours: ours.refund.payment_sn
    ),
    ComparedField(
        Reason.REFUND_TRANSACTION,
        "transaction",
        lambda said: said.transaction_id,
        lambda ours: ours.payment.transaction_id,
        required=True,
    ),
    ComparedField(
        Reason.REFUND_AMOUNT,
        "fen back",
        lambda said: said.refund_fen,
        lambda ours: ours.refund.refund_fen,
        required=True,
    ),
    ComparedField(
        Reason.REFUND_AMOUNT,
        "fen in all",
        lambda said: said.total_fen,
        lambda ours: ours.payment.total_fen,
        required=True,
    ),
    ComparedField(Reason.REFUND_CURRENCY, "currency", lambda said: said.currency, lambda _: "CNY"),
    ComparedField(Reason.REFUND_ID, "refund", lambda said: said.refund_id, lambda ours: ours.refund.refund_id),
)
"""Compared in every verdict about a refund, which was found by its number."""


class RefundTerms(Protocol):
    """What a refund request specifies: an event, an invocation, or an earlier attempt. Amounts in fen."""

    @property
    def request_sn(self) -> str: ...
    @property
    def payment_sn(self) -> str: ...
    @property
    def order_sn(self) -> str: ...
    @property
    def refund_fen(self) -> int: ...
    @property
    def cause(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(kw_only=True, eq=False)
class RefundSettlement:
    """`apply` is idempotent; `refuse` records a permanent refusal."""

    db: Database
    clock: Clock
    merchant: Merchant

    async def apply(self, verdict: RefundVerdict) -> Applied:
        """Lock, compare, change the state and publish the event, in one transaction. A repeated or late verdict changes
        nothing; one that contradicts the ledger is flagged for review. Raises DatabaseUnavailable."""
        async with self.db.transaction() as tx:
            payment = await payment_repository.lock_by_sn(tx, verdict.out_trade_no)
            refund = await refund_repository.lock(tx, verdict.out_refund_no)
            if payment is None or refund is None:
                applied = await flagged(tx, verdict, Reason.REFUND_UNKNOWN, "no refund of ours has this number")
            elif mismatch := find_mismatch(COMPARED_FIELDS, verdict, Ours(payment, refund, self.merchant)):
                applied = await flagged(tx, verdict, *mismatch)
            else:
                applied = await self._change(tx, payment, refund, verdict)
        VERDICTS.labels(f"refund-{verdict.source}", applied.value).inc()
        return applied

    async def _change(self, tx: Transaction, payment: ThirdPayment, refund: Refund, verdict: RefundVerdict) -> Applied:
        current = RefundState(refund.state)
        try:
            following = next_state(current, verdict.status)
        except ContradictoryStatus as error:
            return await flagged(tx, verdict, Reason.REFUND_CONTRADICTION, str(error))
        if following is current:
            return Applied.UNCHANGED
        refund.refund_id, refund.problem = verdict.refund_id, None
        if following is RefundState.SUCCEEDED:
            refund.success_time = verdict.success_time or self.clock()
        self._transition(tx, refund, following, verdict.source)
        log.info("refund changed", refund_sn=refund.sn, state=following, source=verdict.source)
        if following is RefundState.SUCCEEDED:
            await self._add_refunded(tx, payment, refund, verdict.source)
            return Applied.SETTLED
        if following is RefundState.ABNORMAL:
            refund.problem = "WeChat could not return the money to where it came from"
            await flagged(tx, verdict, Reason.REFUND_ABNORMAL, refund.problem)
        if following is RefundState.CLOSED:
            await self._reissue(tx, payment, refund, verdict)
            return Applied.CLOSED
        return Applied.SETTLED

    def _transition(self, tx: Transaction, refund: Refund, following: RefundState, source: str) -> None:
        if refund.state == RefundState.REQUESTED:
            took = (self.clock() - refund.created_at).total_seconds()
            after_commit(tx, partial(SUBMISSION.observe, max(0.0, took)))
        refund_repository.transition(tx, refund, following, source)

    async def _add_refunded(self, tx: Transaction, payment: ThirdPayment, refund: Refund, source: str) -> None:
        """Add to the refunded amount, and publish it: each part is a new version of the payment, the last one ends it."""
        payment.refunded_fen += refund.refund_fen
        payment.trade_state = "REFUND"
        whole = payment.refunded_fen == payment.total_fen
        payment_repository.transition(tx, payment, PayStatus.REFUNDED if whole else PayStatus.PAID, f"refund-{source}")
        await tx.flush()
        trace = settled_in(payment, traces.current_context(), refund_sn=refund.sn)
        await publish_later(tx, events.pay_status_updated(payment, self.clock, trace=trace))
        await resolve_flags(tx, refund.sn, RESOLVED_BY_SUCCESS)

    async def _reissue(self, tx: Transaction, payment: ThirdPayment, refund: Refund, verdict: RefundVerdict) -> None:
        """WeChat closed the number, but the refund is still owed: issue the request again under a new one, as a new row."""
        if refund.attempt >= MAX_ATTEMPTS:
            refund.problem = f"WeChat closed {refund.attempt} numbers of this request"
            await flagged(tx, verdict, Reason.REFUND_CLOSED, refund.problem)
            await publish_later(tx, events.refund_failed(refund, payment.service_type, self.clock))
            return
        await tx.flush()
        now = self.clock()
        again = new_refund(refund, now, attempt=refund.attempt + 1, due_at=now + PAUSE_BEFORE_REISSUE)
        tx.add(again)
        log.warning("refund reissued under a new number", closed=refund.sn, refund_sn=again.sn, attempt=again.attempt)

    async def refuse(self, sn: str, payment_sn: str, reason: str) -> None:
        """WeChat permanently refused the number and does not know it: close the refund, release its share of the payment,
        publish refund-failed and flag it for review."""
        async with self.db.transaction() as tx:
            payment = await payment_repository.lock_by_sn(tx, payment_sn)
            refund = await refund_repository.lock(tx, sn)
            if payment is None or refund is None or refund.state != RefundState.REQUESTED:
                return
            self._transition(tx, refund, RefundState.CLOSED, "refused")
            refund.problem = reason
            await flag_refund(tx, refund, Reason.REFUND_REFUSED, reason)
            await publish_later(tx, events.refund_failed(refund, payment.service_type, self.clock))

    async def failed_again(self, sn: str, payment_sn: str) -> None:
        """WeChat reports a rerouted refund as abnormal: the new route failed as well, another one may be tried."""
        async with self.db.transaction() as tx:
            payment = await payment_repository.lock_by_sn(tx, payment_sn)
            refund = await refund_repository.lock(tx, sn)
            if (
                payment is None
                or refund is None
                or refund.state != RefundState.ABNORMAL
                or not refund.sent_elsewhere_at
            ):
                return
            refund.sent_elsewhere_at, refund.problem = None, "the other way failed as well"
            await flag_refund(tx, refund, Reason.REFUND_ABNORMAL_AGAIN, refund.problem)


def new_refund(terms: RefundTerms, now: datetime, *, attempt: int, due_at: datetime) -> Refund:
    """A new row, not yet added to a session, to be submitted from `due_at` on."""
    return Refund(
        sn=business_number("RFD", now),
        request_sn=terms.request_sn,
        attempt=attempt,
        payment_sn=terms.payment_sn,
        order_sn=terms.order_sn,
        refund_fen=terms.refund_fen,
        cause=terms.cause,
        reason=terms.reason,
        due_at=due_at,
    )
