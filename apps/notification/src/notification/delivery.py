"""One try at one message: look everything up, write the attempt down, send, write down what came of it.

A crash between any two steps leaves the task due again when its lease ends, and at most one attempt that says `unknown`;
the next try's answer tells whether that one had arrived.
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
"""Between tries to record an outcome while the database is away; afterwards the attempt stays unknown."""


@dataclass(frozen=True)
class Templates:
    """The mini program's template ids, the pages that a tap opens, and the words."""

    ids: Mapping[Kind, str]
    page: str
    texts: MessageTexts
    merchant_page: str = ""

    def page_of(self, kind: Kind, order_sn: str) -> str:
        page = self.merchant_page if kind is Kind.REFUND_ASKED else self.page
        return page.replace("{sn}", order_sn)


class NothingToSend(Exception):
    """The task is settled without a send: it goes to `state`."""

    def __init__(self, state: TaskState, reason: str, cause: str | None = None) -> None:
        super().__init__(reason)
        self.state, self.cause = state, cause


@dataclass(kw_only=True, eq=False)
class Delivery:
    """Delivers claimed tasks. Used by any number of replicas at once."""

    attempts: Attempts
    orders: OrderPeer
    users: UserPeer
    messenger: Messenger
    templates: Templates

    async def deliver(self, claim: Claim) -> None:
        """Raises DatabaseUnavailable alone; then the lease runs out and the task is tried again."""
        continue_trace(claim.traceparent)
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                message = await self._prepare(claim)
        except NothingToSend as settled:
            await self.attempts.end_unsent(claim, settled.state, str(settled), settled.cause)
            return
        except (PeerUnavailable, NoToken, TimeoutError) as error:
            await self.attempts.record_unsent(claim, _unsent(str(error) or "looking everything up took too long"))
            return
        except Exception as error:  # a bug must use up tries like any other failure, or it would try for ever
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
    """What the message tells of money, as things are now. Raises NothingToSend when there is no occasion any more, and
    PeerUnavailable for an order that does not know yet what it told us."""
    if claim.kind in STAY_KINDS:
        if order.trade_state != PAID_ORDER:
            raise NothingToSend(TaskState.CANCELLED, f"the order is in state {order.trade_state} now")
        return None
    if claim.kind is Kind.REFUNDED:
        if order.trade_state != REFUNDED_ORDER or order.refunded_at is None or order.refunded_fen is None:
            raise PeerUnavailable(f"order: told of a refund and answers of none, at state {order.trade_state}")
        return Refund(order.refunded_fen, order.refunded_at)
    told = RefundUpdated.model_validate(claim.facts)
    if claim.kind is Kind.GIVEN_BACK:
        return Refund(told.refund_fen, told.changed_at, told.cause)
    if order.refund_state is None:
        raise PeerUnavailable("order: told of a request and answers of none")
    if order.refund_state != "asked" or order.refund_asked_at != told.changed_at:
        raise NothingToSend(TaskState.CANCELLED, f"the request is decided: the refund is {order.refund_state} now")
    return Refund(told.refund_fen, order.refund_answer_by or told.changed_at)


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
