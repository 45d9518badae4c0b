"""Carrying refunds out at WeChat: one number, the same bytes, and a question before every repetition."""

import asyncio
from collections.abc import Sequence
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
from servicekit.errors import Unavailable
from servicekit.stopping import stop_if_asked

log = structlog.get_logger()

LEASE = timedelta(minutes=3)
"""Longer than a whole round can take while WeChat is slow: two calls each, four refunds at a time."""
MAX_CONCURRENT = 4
REFUND_SPACING = timedelta(minutes=1)
"""WeChat's rule for two refunds of one payment (申请退款 · 注意)."""
RETRY_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 600, 1800))
POLL_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 300, 600, 1800, 3600))
"""Pauses between questions, the last one repeated: the callback normally comes first."""
REROUTE_GRACE = timedelta(seconds=30)
"""From when it is written down until WeChat surely has it or has refused: before, an ABNORMAL is the first way's."""
PAUSE_IN_REVIEW = timedelta(minutes=30)
REASONS = {
    Meaning.MISCONFIGURED: Reason.REFUND_MISCONFIGURED,
    Meaning.NO_FUNDS: Reason.REFUND_NO_FUNDS,
    Meaning.FINAL: Reason.REFUND_FINAL,
    Meaning.ABSENT: Reason.REFUND_ABSENT,
}
PERMANENT_REFUSALS = frozenset({Meaning.FINAL, Meaning.ABSENT, Meaning.PAID, Meaning.CLOSED})


class NotAccepted(Exception):
    """WeChat refused to take the refund for good, and does not know its number."""


@dataclass(frozen=True)
class RefundSubmission:
    """`run` carries out what `wake` announces; cron calls `submit_due` for what must wait or was left behind."""

    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: RefundSettlement
    notify_url: str
    spacing: timedelta = REFUND_SPACING
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                while await self.submit_due():
                    pass
            except Exception as error:  # noqa: BLE001 - cron goes on with what is left
                log.warning("refunds must wait", reason=f"{type(error).__name__}: {error}"[:300])
            stop_if_asked()

    async def submit_due(self, *, limit: int = 20) -> int:
        """Take on the refunds that are due; answers how many. Replicas and overlapping ticks never share one."""
        async with self.db.transaction() as tx:
            claimed = await refund_repository.claim_due(tx, self.clock(), limit, LEASE)
        gate = asyncio.Semaphore(MAX_CONCURRENT)

        async def submit(sn: str) -> None:
            async with gate:
                try:
                    await self._submit(sn)
                except Unavailable as error:
                    log.warning("refund goes on when its lease ends", refund_sn=sn, reason=str(error))
                except Exception:  # one refund's fault must not stop the others
                    log.exception("refund failed", refund_sn=sn)

        await asyncio.gather(*(submit(sn) for sn in claimed))
        return len(claimed)

    async def _submit(self, sn: str) -> None:
        departure = await self._prepare(sn)
        if departure is None:
            return
        refund, request, sent_before = departure
        try:
            verdict = await self._word(refund, request, sent_before=sent_before)
        except NotAccepted as error:
            await self.settlement.refuse(sn, refund.payment_sn, str(error))
            return
        except WechatError as error:
            await self._retry_later(refund, error)
            return
        await self.settlement.apply(verdict)
        if verdict.status == "ABNORMAL" and refund.sent_elsewhere_at:  # it was when we asked: no echo of the first way
            await self.settlement.failed_again(sn, refund.payment_sn)
        await self._schedule(refund, _pause(POLL_PAUSES, refund.tries))

    async def _prepare(self, sn: str) -> tuple[Refund, str, bool] | None:
        """Write down what will be sent, and that it will be; None when it must not be sent now."""
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
                refund.next_attempt_at = refund.sent_elsewhere_at + REROUTE_GRACE
                return None
            if sent_before := refund.sent_at is not None:
                return refund, refund.request or "", sent_before
            if payment.refund_sent_at and now < payment.refund_sent_at + self.spacing:
                refund.next_attempt_at = payment.refund_sent_at + self.spacing
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

    async def _word(self, refund: Refund, request: str, *, sent_before: bool) -> RefundVerdict:
        """WeChat's word on the refund, which is handed over only when WeChat surely does not have it."""
        if sent_before:
            try:
                return await self.wechat.query_refund(refund.sn)
            except Refused as error:
                if error.meaning is not Meaning.ABSENT or refund.state == RefundState.ABNORMAL:
                    raise
        try:
            return await self.wechat.refund(request)
        except Ambiguous as error:
            log.warning("WeChat may have taken the refund: asking", refund_sn=refund.sn, reason=str(error))
            return await self._asked(refund.sn, error)
        except Refused as error:
            if error.meaning not in PERMANENT_REFUSALS:
                raise
            return await self._asked(refund.sn, NotAccepted(str(error)))

    async def _asked(self, sn: str, unknown: Exception) -> RefundVerdict:
        """What became of a request that WeChat refused, or did not answer: a refusal is not signed, and what stands
        between us may refuse what has passed. Raises `unknown` where WeChat does not know the number."""
        try:
            return await self.wechat.query_refund(sn)
        except Refused as error:
            if error.meaning is Meaning.ABSENT:
                raise unknown from error
            raise

    async def _retry_later(self, refund: Refund, error: WechatError) -> None:
        meaning = error.meaning if isinstance(error, Refused) else Meaning.ASK_FIRST
        log.warning("refund is not through", refund_sn=refund.sn, meaning=meaning.name, reason=str(error))
        passing = meaning in {Meaning.ASK_FIRST, Meaning.LATER}
        is_long_unknown = refund.state == RefundState.REQUESTED and refund.tries > len(RETRY_PAUSES)
        if not passing or is_long_unknown:
            async with self.db.transaction() as tx:
                await flag_refund(tx, refund, REASONS.get(meaning, Reason.REFUND_UNCLEAR), str(error))
        if passing:
            await self._schedule(refund, _pause(RETRY_PAUSES, refund.tries))
        else:
            await self._schedule(refund, PAUSE_IN_REVIEW, problem=str(error))

    async def _schedule(self, refund: Refund, pause: timedelta, *, problem: str | None = None) -> None:
        async with self.db.transaction() as tx:
            await refund_repository.schedule(tx, refund, self.clock() + pause, problem)


def _pause(pauses: Sequence[timedelta], tries: int) -> timedelta:
    return pauses[min(max(tries, 1), len(pauses)) - 1]
