"""One delivery attempt: read the order and the openid, record the attempt, send, record the outcome.

After a crash between two steps the task is due again when its lease ends, with at most one attempt whose outcome is
`unknown`; WeChat's answer to the next attempt tells whether that one was delivered.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from notification.attempts import Attempts, Claim
from notification.events import RefundUpdated
from notification.peers import OrderDetail, OrderPeer, UserPeer
from notification.rendering import MessageTexts, Refund, Stay, Unrenderable, render
from notification.states import PAID_ORDER, REFUNDED_ORDER, STAY_KINDS, Kind, Outcome, TaskState, Verdict
from notification.wechat.errcodes import REJECTIONS, UNRENDERABLE
from notification.wechat.messages import Message, Messenger
from notification.wechat.tokens import NoToken
from servicekit.errors import DatabaseUnavailable, PeerUnavailable
from servicekit.telemetry import continue_trace

log = structlog.get_logger()

PREPARE_SECONDS = 14.0
RECORD_PAUSES = (0.2, 0.8, 2.0)
"""Pauses in seconds between tries to record an outcome while the database is unavailable; then it stays unknown."""


@dataclass(frozen=True)
class Templates:
    """The mini program's template ids, the pages that a tap on a message opens, and the texts."""

    ids: Mapping[Kind, str]
    page: str
    texts: MessageTexts
    merchant_page: str = ""

    def page_of(self, kind: Kind, order_sn: str) -> str:
        page = self.merchant_page if kind is Kind.REFUND_ASKED else self.page
        return page.replace("{sn}", order_sn)


class NothingToSend(Exception):
    """The task ends in `state` without a message."""

    def __init__(self, state: TaskState, reason: str, cause: str | None = None) -> None:
        super().__init__(reason)
        self.state, self.cause = state, cause


@dataclass(kw_only=True, eq=False)
class Delivery:
    """Delivers claimed tasks. Safe on several replicas."""

    attempts: Attempts
    orders: OrderPeer
    users: UserPeer
    messenger: Messenger
    templates: Templates

    async def deliver(self, claim: Claim) -> None:
        """Make one attempt. Raises DatabaseUnavailable only; then the task is retried when its lease ends."""
        continue_trace(claim.traceparent)
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                message = await self._prepare(claim)
        except NothingToSend as settled:
            await self.attempts.end_unsent(claim, settled.state, str(settled), settled.cause)
            return
        except (PeerUnavailable, NoToken, TimeoutError) as error:
            await self.attempts.record_unsent(
                claim, _unsent(str(error) or "timeout while reading order, openid or access token")
            )
            return
        except Exception as error:  # a bug must count as an attempt, else it is retried for ever
            log.exception("message cannot be prepared", order_sn=claim.order_sn, kind=claim.kind)
            await self.attempts.record_unsent(claim, _unsent(f"unexpected {type(error).__name__}"))
            return
        if seq := await self.attempts.begin(claim):
            await self._record(claim, seq, await self.messenger.send(message))

    async def _prepare(self, claim: Claim) -> Message:
        order = await self.orders.order(claim.order_sn)
        refund = _refund(claim, order)
        openid = await self.users.openid(order.homestay_user_id if claim.kind is Kind.REFUND_ASKED else order.user_id)
        if openid is None:
            raise NothingToSend(
                TaskState.REFUSED, "no openid: the user has never signed in to the mini program", "no-openid"
            )
        try:
            data = render(claim.kind, _stay(order, refund), self.templates.texts)
        except Unrenderable as error:
            REJECTIONS.labels(UNRENDERABLE).inc()
            raise NothingToSend(TaskState.INVALID, f"does not fit the template: {error}", UNRENDERABLE) from error
        await self.messenger.get_ready()
        page = self.templates.page_of(claim.kind, order.sn)
        return Message(openid, self.templates.ids[claim.kind], data, page)

    async def _record(self, claim: Claim, seq: int, verdict: Verdict) -> None:
        for pause in RECORD_PAUSES:
            try:
                await self.attempts.record(claim, seq, verdict)
            except DatabaseUnavailable:
                await asyncio.sleep(pause)
            else:
                return
        await self.attempts.record(claim, seq, verdict)


def _refund(claim: Claim, order: OrderDetail) -> Refund | None:
    """The refund that the message is about, as of now. Raises NothingToSend when the message is out of date, and
    PeerUnavailable when order's answer is older than its event."""
    if claim.kind in STAY_KINDS:
        if order.trade_state != PAID_ORDER:
            raise NothingToSend(TaskState.CANCELLED, f"the order is in state {order.trade_state} now")
        return None
    if claim.kind is Kind.REFUNDED:
        if order.trade_state != REFUNDED_ORDER or order.refunded_at is None or order.refunded_fen is None:
            raise PeerUnavailable(f"order: published a refund, but answers none in state {order.trade_state}")
        return Refund(order.refunded_fen, order.refunded_at)
    update = RefundUpdated.model_validate(claim.facts)
    if claim.kind is Kind.GIVEN_BACK:
        return Refund(update.refund_fen, update.changed_at, update.cause)
    if order.refund_state is None:
        raise PeerUnavailable("order: published a refund request, but answers none")
    if order.refund_state != "asked" or order.refund_asked_at != update.changed_at:
        raise NothingToSend(TaskState.CANCELLED, f"the request is decided: the refund state is {order.refund_state}")
    return Refund(update.refund_fen, order.refund_answer_by or update.changed_at)


def _stay(order: OrderDetail, refund: Refund | None) -> Stay:
    return Stay(
        order_sn=order.sn,
        title=order.title,
        total_fen=order.total_fen,
        first_day=order.live_start_date,
        last_day=order.live_end_date,
        code=order.checkin_code or "",
        refund=refund,
    )


def _unsent(detail: str) -> Verdict:
    return Verdict(Outcome.NOT_SENT, detail[:300])
