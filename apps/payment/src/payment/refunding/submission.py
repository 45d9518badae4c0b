"""Submits refunds to WeChat: the same number and bytes at every retry, and a query before every retry."""

from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from payment.ledger import payment_repository, refund_repository
from payment.ledger.refund_states import UNSETTLED, RefundState
from payment.ledger.refunds import RefundSettlement
from payment.ledger.reviews import Reason, flag_refund
from payment.models import Refund
from payment.wechat import requests
from payment.wechat.client import WechatPay
from payment.wechat.errors import Ambiguous, Meaning, Refused, WechatError
from payment.wechat.verdicts import RefundVerdict
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.due import Schedule, side_by_side
from servicekit.loop import Loop
from servicekit.telemetry import traces

log = structlog.get_logger()

LEASE = timedelta(minutes=3)
"""Longer than a whole round takes while WeChat is slow: two calls per refund, `MAX_CONCURRENT` refunds at a time."""
MAX_CONCURRENT = 4
RETRY_PAUSES = Schedule.of_seconds(10, 30, 60, 300, 600, 1800)
POLL_PAUSES = Schedule.of_seconds(30, 60, 300, 600, 1800, 3600)
"""Pauses between tries: RETRY while WeChat has not confirmed a submission, POLL while an accepted refund is pending (the
callback normally comes first). The last one is repeated."""
TRIES_BEFORE_REVIEW = 6
"""Tries of a submission that WeChat has not confirmed, about 46 minutes; then it is flagged, and retried as before.
`waiting.py` alerts by age; docs/guides/go-live-checklist.md tells what to do (`refund_unclear`)."""
REROUTE_GRACE = timedelta(seconds=30)
"""After a reroute is marked, until WeChat certainly has it or has refused it: an ABNORMAL before that is the old one."""
PAUSE_IN_REVIEW = timedelta(minutes=30)
"""Between tries of a refund that an operator has to look at: what they correct takes effect without a command."""
REASONS = {  # WeChat's code → Meaning: wechat/answers.py
    Meaning.MISCONFIGURED: Reason.REFUND_MISCONFIGURED,
    Meaning.NO_FUNDS: Reason.REFUND_NO_FUNDS,
    Meaning.FINAL: Reason.REFUND_FINAL,
    Meaning.ABSENT: Reason.REFUND_ABSENT,
}
PERMANENT_REFUSALS = frozenset({Meaning.FINAL, Meaning.ABSENT, Meaning.PAID, Meaning.CLOSED})


class NotAccepted(Exception):
    """WeChat permanently refused the refund and does not know its number."""


@dataclass(kw_only=True, eq=False)
class RefundSubmission:
    """`run` submits what `wake` announces; cron calls `submit_due` for retries and for what was left behind."""

    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: RefundSettlement
    notify_url: str
    spacing: timedelta
    _loop: Loop = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._loop = Loop(self._submit_all_due, name="refunds")

    def wake(self) -> None:
        self._loop.wake()

    async def run(self) -> None:
        await self._loop.run()

    async def _submit_all_due(self) -> None:
        while await self.submit_due():
            pass

    async def submit_due(self, *, limit: int = 20) -> int:
        """Submit or query the refunds that are due; returns how many. Each is claimed by one replica and one tick only."""
        async with self.db.transaction() as tx:
            claimed = await refund_repository.claim_due(tx, self.clock(), limit, LEASE)
        await side_by_side(claimed, self._submit, at_once=MAX_CONCURRENT, what="refund")
        return len(claimed)

    async def _submit(self, sn: str) -> None:
        with traces.using(traces.begin("submit refund", traces.NO_CONTEXT, attributes={"minsu.refund_sn": sn})):
            prepared = await self._prepare(sn)
            if prepared is not None:
                traces.note(payment_sn=prepared[0].payment_sn, order_sn=prepared[0].order_sn)
                await self._submit_prepared(sn, *prepared)

    async def _submit_prepared(self, sn: str, refund: Refund, request: str, sent_before: bool) -> None:
        try:
            verdict = await self._submit_or_query(refund, request, sent_before=sent_before)
        except NotAccepted as error:
            await self.settlement.refuse(sn, refund.payment_sn, str(error))
            return
        except WechatError as error:
            await self._retry_later(refund, error)
            return
        await self.settlement.apply(verdict)
        if verdict.status == "ABNORMAL" and refund.sent_elsewhere_at:  # rerouted before this query: not the old status
            await self.settlement.failed_again(sn, refund.payment_sn)
        await self._schedule(refund, POLL_PAUSES.pause(refund.tries))

    async def _prepare(self, sn: str) -> tuple[Refund, str, bool] | None:
        """Store the request and mark it as sent before it is. Returns (refund, request body, whether it was sent before),
        None when it must not be sent now."""
        now = self.clock()
        async with self.db.read() as session:
            refund = await refund_repository.by_sn(session, sn)
        if refund is None:
            return None
        async with self.db.transaction() as tx:
            payment = await payment_repository.lock_by_sn(tx, refund.payment_sn)
            refund = await refund_repository.lock(tx, sn)
            if payment is None or refund is None or refund.state not in UNSETTLED:
                return None
            if refund.sent_elsewhere_at and now < refund.sent_elsewhere_at + REROUTE_GRACE:
                refund.release(refund.sent_elsewhere_at + REROUTE_GRACE)
                return None
            if sent_before := refund.sent_at is not None:
                return refund, refund.request or "", sent_before
            if payment.refund_sent_at and now < payment.refund_sent_at + self.spacing:
                refund.release(payment.refund_sent_at + self.spacing)
                return None
            refund.request = requests.refund(
                out_trade_no=payment.sn,
                out_refund_no=refund.sn,
                reason=refund.reason,
                notify_url=self.notify_url,
                refund_fen=refund.refund_fen,
                total_fen=payment.total_fen,
            )
            refund.sent_at = payment.refund_sent_at = now
            return refund, refund.request, sent_before

    async def _submit_or_query(self, refund: Refund, request: str, *, sent_before: bool) -> RefundVerdict:
        """The verdict on the refund. It is submitted only when WeChat certainly does not have it. Raises NotAccepted,
        WechatError."""
        if sent_before:
            try:
                return await self.wechat.query_refund(refund.sn)
            except Refused as error:
                if error.meaning is not Meaning.ABSENT or refund.state == RefundState.ABNORMAL:
                    raise
        try:
            return await self.wechat.refund(request)
        except Ambiguous as error:
            log.warning("WeChat may have accepted the refund: querying", refund_sn=refund.sn, reason=str(error))
            return await self._query_after(refund.sn, error)
        except Refused as error:
            if error.meaning not in PERMANENT_REFUSALS:
                raise
            return await self._query_after(refund.sn, NotAccepted(str(error)))

    async def _query_after(self, sn: str, unknown: Exception) -> RefundVerdict:
        """The verdict on a submission that WeChat refused or did not respond to. A refusal is not signed, and a proxy may
        refuse what was accepted. Raises `unknown` when WeChat does not know the number."""
        try:
            return await self.wechat.query_refund(sn)
        except Refused as error:
            if error.meaning is Meaning.ABSENT:
                raise unknown from error
            raise

    async def _retry_later(self, refund: Refund, error: WechatError) -> None:
        """A temporary failure is retried after RETRY_PAUSES, and flagged after TRIES_BEFORE_REVIEW. Any other, such as
        NO_FUNDS (WeChat's NOT_ENOUGH), is flagged for review at once and retried every PAUSE_IN_REVIEW."""
        meaning = error.meaning if isinstance(error, Refused) else Meaning.QUERY_FIRST
        log.warning("refund is not complete", refund_sn=refund.sn, meaning=meaning.name, reason=str(error))
        temporary = meaning in {Meaning.QUERY_FIRST, Meaning.LATER}
        is_long_unknown = refund.state == RefundState.REQUESTED and refund.tries > TRIES_BEFORE_REVIEW
        if not temporary or is_long_unknown:
            async with self.db.transaction() as tx:
                await flag_refund(tx, refund, REASONS.get(meaning, Reason.REFUND_UNCLEAR), str(error))
        if temporary:
            await self._schedule(refund, RETRY_PAUSES.pause(refund.tries))
        else:
            await self._schedule(refund, PAUSE_IN_REVIEW, problem=str(error))

    async def _schedule(self, refund: Refund, pause: timedelta, *, problem: str | None = None) -> None:
        async with self.db.transaction() as tx:
            await refund_repository.schedule(tx, refund, self.clock() + pause, problem)
