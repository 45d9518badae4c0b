"""Applies WeChat's verdicts about payments to the ledger. Callbacks, queries, closes and bill repairs all come here."""

import asyncio
import functools
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import prometheus_client
import structlog

from payment import events
from payment.ledger import payment_repository, refund_repository
from payment.ledger.applied import Applied, flagged
from payment.ledger.batch import Arrived, settle_plain, settled_in
from payment.ledger.batch_repository import LockedPayment
from payment.ledger.mismatch import ComparedField, find_mismatch
from payment.ledger.payment_states import PAID_TRADE_STATES, PayStatus, next_status
from payment.ledger.reviews import Reason
from payment.merchant import Merchant
from payment.models import ThirdPayment
from payment.wechat.verdicts import Verdict
from servicekit.arrays import REFUSED_VALUES
from servicekit.clock import Clock
from servicekit.collector import Collector
from servicekit.db import Database, Transaction
from servicekit.errors import DatabaseUnavailable
from servicekit.outbox import publish_later
from servicekit.telemetry import traces

log = structlog.get_logger()
VERDICTS = prometheus_client.Counter(
    "payment_verdicts_total", "Verdicts of WeChat by source and result", ["source", "did"]
)
DELAY = prometheus_client.Histogram(
    "payment_settlement_delay_seconds",
    "Time from WeChat's success time of a payment until it is settled here",
    ["source"],
    buckets=(1, 2, 3, 4, 5, 7.5, 10, 30, 60, 300, 1800),
)
SOURCES = ("callback", "query", "close", "absent", "refused", "bill")
for _source, _did in itertools.product(SOURCES, Applied):  # from 0 on: a rate sees the first one
    VERDICTS.labels(_source, _did.value)

BATCH, MAX_WAITING, LONGEST_WAIT_SECONDS = 256, 2048, 2.0
"""Verdicts per transaction, verdicts that may wait for the next ones, and how long, in seconds. What arrives beyond
it is refused at once and comes again, instead of waiting until it is too late for an answer."""
BATCH_SECONDS = 3.0
"""Below the four seconds in which WeChat is answered: a hanging connection costs its own batch only."""


@dataclass(frozen=True)
class Ours:
    """What the ledger and the settings say of a payment."""

    payment: ThirdPayment | LockedPayment
    merchant: Merchant

    @property
    def openid(self) -> str | None:
        """The payer of the stored prepay request."""
        payer: dict[str, str] = json.loads(self.payment.request).get("payer", {})
        return payer.get("openid")


MERCHANT_FIELDS: Final[tuple[ComparedField[Verdict, Ours], ...]] = (
    ComparedField(Reason.MCHID, "merchant", lambda said: said.mchid, lambda ours: ours.merchant.mchid),
    ComparedField(Reason.APPID, "app", lambda said: said.appid, lambda ours: ours.merchant.appid),
)
"""Compared in every verdict, whatever its trade state."""
COMPARED_FIELDS: Final[tuple[ComparedField[Verdict, Ours], ...]] = (
    ComparedField(
        Reason.AMOUNT, "fen", lambda said: said.total_fen, lambda ours: ours.payment.total_fen, required=True
    ),
    ComparedField(Reason.CURRENCY, "currency", lambda said: said.currency, lambda _: "CNY"),
    ComparedField(Reason.PAYER_CURRENCY, "payer's currency", lambda said: said.payer_currency, lambda _: "CNY"),
    ComparedField(Reason.TRADE_TYPE, "trade type", lambda said: said.trade_type, lambda ours: ours.payment.trade_type),
    ComparedField(Reason.OPENID, "payer", lambda said: said.openid, lambda ours: ours.openid),
    ComparedField(Reason.ATTACH, "attach", lambda said: said.attach, lambda ours: ours.payment.order_sn),
    ComparedField(
        Reason.TRANSACTION, "transaction", lambda said: said.transaction_id, lambda ours: ours.payment.transaction_id
    ),
)
"""Compared in a verdict that says paid. amount.total counts, not payer_total: a coupon lowers the latter. A mainland
merchant is paid in CNY only, and the payer pays in CNY."""


@dataclass(kw_only=True, eq=False)
class Settlement:
    """`apply` is idempotent and safe to call concurrently, from any number of replicas. Verdicts that arrive together are
    settled in one transaction."""

    db: Database
    clock: Clock
    merchant: Merchant
    _collector: Collector[Arrived, Applied | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._collector = Collector(
            self._settle_plain,
            name="settle payments",
            batch=BATCH,
            waiting=MAX_WAITING,
            longest_seconds=LONGEST_WAIT_SECONDS,
        )

    async def apply(self, verdict: Verdict) -> Applied:
        """Lock the payment, compare, change its state and publish the event, in one transaction.

        A repeated verdict changes nothing. One that contradicts the ledger (unknown number, or any of `MERCHANT_FIELDS` and
        `COMPARED_FIELDS`) is flagged for review and changes no payment. Raises DatabaseUnavailable, and Unavailable when
        too many verdicts wait.
        """
        applied = await self.apply_together(verdict)
        return applied if applied is not None else await self.apply_alone(verdict)

    def require_room(self) -> None:
        """Raises Unavailable when `apply` would, because too many verdicts wait or wait too long. Costs nothing."""
        self._collector.require_room()

    async def apply_together(self, verdict: Verdict) -> Applied | None:
        """Settle it with those that arrive at the same time. None: nothing was changed, `apply_alone` has to. A caller that
        is cancelled does not take its verdict back, and holds no connection. Raises as `apply` does."""
        return await self._collector.submit(Arrived(verdict, traces.current_context()))

    async def _settle_plain(self, arrived: Sequence[Arrived]) -> list[Applied | None]:
        """The result of each; None: nothing was changed, its caller must apply it alone."""
        try:
            async with asyncio.timeout(BATCH_SECONDS), self.db.arrays() as tx:
                done = await settle_plain(tx, arrived, self._find_mismatch, self.clock)
        except REFUSED_VALUES:  # such as a transaction number of another payment: applied alone, each shows which
            return [None] * len(arrived)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no commit within {BATCH_SECONDS:g} s") from error
        _count([(arrived[place].verdict, applied) for place, applied in done.items()], self.clock())
        if settled := [place for place, applied in done.items() if applied is Applied.SETTLED]:
            log.info("payments settled", count=len(settled), first=arrived[settled[0]].verdict.out_trade_no)
        return [done.get(place) for place in range(len(arrived))]

    async def apply_alone(self, verdict: Verdict) -> Applied:
        """`apply` in a transaction of its own."""
        async with self.db.transaction() as tx:
            payment = await payment_repository.lock_by_sn(tx, verdict.out_trade_no)
            if payment is None:
                applied = await flagged(tx, verdict, Reason.UNKNOWN_NUMBER, "no payment has this number")
            elif mismatch := self._find_mismatch(payment, verdict) or await self._find_duplicate(tx, payment, verdict):
                applied = await flagged(tx, verdict, *mismatch)
            else:
                applied = await self._change(tx, payment, verdict)
        _count([(verdict, applied)], self.clock())
        return applied

    def _find_mismatch(self, payment: ThirdPayment | LockedPayment, verdict: Verdict) -> tuple[Reason, str] | None:
        """The first mismatch as (reason, detail), or None."""
        ours = Ours(payment, self.merchant)
        if found := find_mismatch(MERCHANT_FIELDS, verdict, ours):
            return found
        if verdict.trade_state not in PAID_TRADE_STATES:
            return None
        if found := find_mismatch(COMPARED_FIELDS, verdict, ours):
            return found
        if not verdict.transaction_id or verdict.success_time is None:
            return Reason.INCOMPLETE, "a paid transaction without its number or time"
        return None

    async def _find_duplicate(
        self, tx: Transaction, payment: ThirdPayment, verdict: Verdict
    ) -> tuple[Reason, str] | None:
        """The mismatch of a transaction that has settled another payment, or None."""
        if verdict.trade_state not in PAID_TRADE_STATES or not verdict.transaction_id:
            return None
        other = await payment_repository.by_transaction(tx, verdict.transaction_id)
        if other is not None and other.id != payment.id:
            return Reason.TRANSACTION, f"the transaction has settled payment {other.sn}"
        return None

    async def _change(self, tx: Transaction, payment: ThirdPayment, verdict: Verdict) -> Applied:
        current = PayStatus(payment.pay_status)
        following = next_status(current, verdict.trade_state)
        if following is current:
            return Applied.UNCHANGED
        payment.trade_state = verdict.trade_state
        payment_repository.transition(tx, payment, following, verdict.source)
        if following is PayStatus.CLOSED:
            log.info("payment closed", payment_sn=payment.sn, source=verdict.source)
            return Applied.CLOSED
        payment.transaction_id = verdict.transaction_id
        payment.pay_time = verdict.success_time
        payment.bank_type = verdict.bank_type
        await tx.flush()
        if verdict.trade_state == "REFUND" and not await refund_repository.make_due(tx, payment.sn, self.clock()):
            await flagged(tx, verdict, Reason.REFUND_UNKNOWN, "WeChat reports a refund that was never requested here")
        trace = settled_in(payment, traces.current_context())
        await publish_later(tx, events.pay_status_updated(payment, self.clock, trace=trace))
        log.info("payment settled", payment_sn=payment.sn, order_sn=payment.order_sn, source=verdict.source)
        return Applied.SETTLED


@functools.cache
def _delay_of(source: str) -> prometheus_client.Histogram:
    """One look-up by label costs more than the observation."""
    return DELAY.labels(source)


for _source in SOURCES:
    _delay_of(_source)


def _count(done: Sequence[tuple[Verdict, Applied]], now: datetime) -> None:
    for labels, count in Counter((verdict.source, applied.value) for verdict, applied in done).items():
        VERDICTS.labels(*labels).inc(count)
    for verdict, applied in done:
        if applied is Applied.SETTLED and verdict.success_time is not None:
            _delay_of(verdict.source).observe(max(0.0, (now - verdict.success_time).total_seconds()))
