"""The only place where a payment is settled. Callback, query and close all come here as one Verdict."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Final

import structlog
from prometheus_client import Counter

from payment import events, refund_repository, repository
from payment.comparing import Compared, misfit
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
class Ours:
    """What our books, and our settings, say of a payment."""

    payment: ThirdPayment
    mchid: str
    appid: str

    @property
    def openid(self) -> str | None:
        """Whom the cashier was opened for, by the stored request."""
        payer: dict[str, str] = json.loads(self.payment.request).get("payer", {})
        return payer.get("openid")


WHOSE: Final[tuple[Compared[Verdict, Ours], ...]] = (
    Compared("mchid", "merchant", lambda said: said.mchid, lambda ours: ours.mchid),
    Compared("appid", "app", lambda said: said.appid, lambda ours: ours.appid),
)
"""Compared in every verdict, whatever its trade state."""
COMPARED: Final[tuple[Compared[Verdict, Ours], ...]] = (
    Compared("amount", "fen", lambda said: said.total_fen, lambda ours: ours.payment.total_fen, required=True),
    Compared("currency", "currency", lambda said: said.currency, lambda _: "CNY"),
    Compared("payer_currency", "payer's currency", lambda said: said.payer_currency, lambda _: "CNY"),
    Compared("trade_type", "trade type", lambda said: said.trade_type, lambda ours: ours.payment.trade_type),
    Compared("openid", "payer", lambda said: said.openid, lambda ours: ours.openid),
    Compared("attach", "attach", lambda said: said.attach, lambda ours: ours.payment.order_sn),
    Compared("transaction", "transaction", lambda said: said.transaction_id, lambda ours: ours.payment.transaction_id),
)
"""Compared in a verdict that says paid. amount.total counts, not payer_total: a coupon lowers the latter. WeChat takes
nothing but CNY, of the payer either, for a merchant of the mainland."""


@dataclass(frozen=True)
class Settlement:
    """`apply` takes WeChat's verified word, once or many times, from any number of replicas at the same moment."""

    db: Database
    clock: Clock
    mchid: str
    appid: str

    async def apply(self, verdict: Verdict) -> Applied:
        """Lock, check, change, tell: one transaction.

        A repeated verdict changes nothing. One that contradicts our books (an unknown number, or anything in `WHOSE` and
        `COMPARED`) changes nothing either: it is kept for review. Raises DatabaseUnavailable.
        """
        async with self.db.transaction() as tx:
            payment = await repository.lock_by_sn(tx, verdict.out_trade_no)
            if payment is None:
                applied = await self._review(tx, verdict, "unknown_number", "no payment has this number")
            elif unfit := await self._misfit(tx, payment, verdict):
                applied = await self._review(tx, verdict, *unfit)
            else:
                applied = await self._change(tx, payment, verdict)
        VERDICTS.labels(verdict.source, applied.value).inc()
        return applied

    async def _misfit(self, tx: Transaction, payment: ThirdPayment, verdict: Verdict) -> tuple[str, str] | None:
        """What does not fit, as (reason, detail)."""
        ours = Ours(payment, self.mchid, self.appid)
        if found := misfit(WHOSE, verdict, ours):
            return found
        if verdict.trade_state not in PAID_WORDS:
            return None
        if found := misfit(COMPARED, verdict, ours):
            return found
        if not verdict.transaction_id or verdict.success_time is None:
            return "incomplete", "a paid transaction without its number or time"
        other = await repository.by_transaction(tx, verdict.transaction_id)
        if other is not None and other.id != payment.id:
            return "transaction", f"the transaction has settled payment {other.sn}"
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
