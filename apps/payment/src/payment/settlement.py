"""The only place where a payment is settled. Callback, query and close all come here as one Verdict."""

from dataclasses import dataclass
from enum import Enum

import structlog
from prometheus_client import Counter

from payment import events, refund_repository, repository
from payment.models import ThirdPayment
from payment.states import PAID_WORDS, PayStatus, next_status
from payment.wechat.verdicts import Verdict
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.outbox import publish_later

log = structlog.get_logger()
VERDICTS = Counter(
    "payment_verdicts_total", "WeChat's words by where they came from and what they did", ["source", "did"]
)


class Applied(Enum):
    """What a verdict did."""

    SETTLED = "settled"
    CLOSED = "closed"
    UNCHANGED = "unchanged"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True)
class Settlement:
    """`apply` takes WeChat's verified word, once or many times, from any number of replicas at the same moment."""

    db: Database
    clock: Clock
    mchid: str
    appid: str

    async def apply(self, verdict: Verdict) -> Applied:
        """Lock, check, change, tell: one transaction.

        A repeated verdict changes nothing. One that does not fit our books (unknown number, another merchant, another
        amount, another transaction) changes nothing either: it is kept for review. Raises DatabaseUnavailable.
        """
        async with self.db.transaction() as tx:
            payment = await repository.lock_by_sn(tx, verdict.out_trade_no)
            if payment is None:
                applied = await self._review(tx, verdict, "unknown_number", "no payment has this number")
            elif misfit := self._misfit(payment, verdict):
                applied = await self._review(tx, verdict, *misfit)
            else:
                applied = await self._change(tx, payment, verdict)
        VERDICTS.labels(verdict.source, applied.value).inc()
        return applied

    def _misfit(self, payment: ThirdPayment, verdict: Verdict) -> tuple[str, str] | None:  # noqa: PLR0911 - one return for each misfit
        """What does not fit, as (reason, detail). amount.total counts, not payer_total: a coupon lowers the latter."""
        if verdict.mchid != self.mchid:
            return "mchid", f"the notice names merchant {verdict.mchid[:40]}"
        if verdict.appid != self.appid:
            return "appid", f"the notice names app {verdict.appid[:40]}"
        if verdict.trade_state not in PAID_WORDS:
            return None
        if verdict.total_fen != payment.total_fen:
            return "amount", f"WeChat says {verdict.total_fen} fen, the payment is {payment.total_fen} fen"
        if not verdict.transaction_id or verdict.success_time is None:
            return "incomplete", "a paid transaction without its number or time"
        if payment.transaction_id not in {None, verdict.transaction_id}:
            return "transaction", f"the payment is already settled by {payment.transaction_id}"
        return None

    async def _review(self, tx: Transaction, verdict: Verdict, reason: str, detail: str) -> Applied:
        if await repository.needs_review(
            tx,
            out_trade_no=verdict.out_trade_no,
            transaction_id=verdict.transaction_id,
            reason=reason,
            detail=detail,
            source=verdict.source,
            total_fen=verdict.total_fen,
        ):
            log.error("payment needs review", reason=reason, detail=detail, out_trade_no=verdict.out_trade_no)
        return Applied.NEEDS_REVIEW

    async def _change(self, tx: Transaction, payment: ThirdPayment, verdict: Verdict) -> Applied:
        current = PayStatus(payment.pay_status)
        following = next_status(current, verdict.trade_state)
        if following is current:
            return Applied.UNCHANGED
        payment.trade_state = verdict.trade_state
        repository.transition(tx, payment, following, verdict.source)
        if following is PayStatus.CLOSED:
            log.info("payment closed", payment_sn=payment.sn, source=verdict.source)
            return Applied.CLOSED
        payment.transaction_id = verdict.transaction_id
        payment.pay_time = verdict.success_time
        payment.bank_type = verdict.bank_type
        await tx.flush()
        if verdict.trade_state == "REFUND" and not await refund_repository.ask_again(tx, payment.sn, self.clock()):
            await self._review(tx, verdict, "refund_unknown", "WeChat gave money back that nobody here asked for")
        await publish_later(tx, events.paystatus_updated(payment, self.clock))
        log.info("payment settled", payment_sn=payment.sn, order_sn=payment.order_sn, source=verdict.source)
        return Applied.SETTLED
