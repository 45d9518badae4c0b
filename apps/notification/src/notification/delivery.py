"""One try at one message: look everything up, write the attempt down, send, write down what came of it.

A crash between any two steps leaves the task due again when its lease ends, and at most one attempt that says `unknown`;
the next try's answer tells whether that one had arrived.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from notification.attempts import Attempts, Claim
from notification.peers import OrderDetail, Peers
from notification.rendering import Refund, Stay, Unrenderable, Wording, render
from notification.states import OF_THE_STAY, PAID_ORDER, REFUNDED_ORDER, Kind, Outcome, TaskState, Verdict
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
    """The mini program's template ids, the page that a tap opens, and the words."""

    ids: Mapping[Kind, str]
    page: str
    wording: Wording


class NothingToSend(Exception):
    """The task is settled without a send: it goes to `state`."""

    def __init__(self, state: TaskState, reason: str) -> None:
        super().__init__(reason)
        self.state = state


class Delivery:
    """Delivers claimed tasks. Used by any number of replicas at once."""

    def __init__(self, attempts: Attempts, peers: Peers, messenger: Messenger, templates: Templates) -> None:
        self._attempts, self._peers, self._messenger, self._templates = attempts, peers, messenger, templates

    async def deliver(self, claim: Claim) -> None:
        """Raises DatabaseUnavailable alone; then the lease runs out and the task is tried again."""
        continue_trace(claim.traceparent)
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                message = await self._prepare(claim)
        except NothingToSend as settled:
            await self._attempts.settle_unsent(claim, settled.state, str(settled))
            return
        except (PeerUnavailable, NoToken, TimeoutError) as error:
            await self._attempts.record_unsent(claim, _unsent(str(error) or "looking everything up took too long"))
            return
        except Exception as error:  # a bug must use up tries like any other failure, or it would try for ever
            log.exception("message cannot be prepared", order_sn=claim.order_sn, kind=claim.kind)
            await self._attempts.record_unsent(claim, _unsent(f"unexpected {type(error).__name__}"))
            return
        if seq := await self._attempts.begin(claim):
            await self._record(claim, seq, await self._messenger.send(message))

    async def _prepare(self, claim: Claim) -> Message:
        order = await self._peers.order(claim.order_sn)
        _require_occasion(claim.kind, order)
        openid = await self._peers.openid(order.user_id)
        if openid is None:
            raise NothingToSend(TaskState.REFUSED, "no openid: the user has never signed in to the mini program")
        try:
            data = render(claim.kind, _stay(order), self._templates.wording)
        except Unrenderable as error:
            raise NothingToSend(TaskState.REFUSED, f"does not fit the template: {error}") from error
        await self._messenger.get_ready()
        page = self._templates.page.replace("{sn}", order.sn)
        return Message(openid, self._templates.ids[claim.kind], data, page)

    async def _record(self, claim: Claim, seq: int, verdict: Verdict) -> None:
        for pause in RECORD_PAUSES:
            try:
                await self._attempts.record(claim, seq, verdict)
            except DatabaseUnavailable:
                await asyncio.sleep(pause)
            else:
                return
        await self._attempts.record(claim, seq, verdict)


def _require_occasion(kind: Kind, order: OrderDetail) -> None:
    """What is told of a stay is of no use once the order has gone on. An order that does not know yet what it told us,
    that its money is back, is an outage."""
    if kind in OF_THE_STAY:
        if order.trade_state != PAID_ORDER:
            raise NothingToSend(TaskState.CANCELLED, f"the order is in state {order.trade_state} now")
    elif order.trade_state != REFUNDED_ORDER or _refund(order) is None:
        raise PeerUnavailable(f"order: told of a refund and answers of none, at state {order.trade_state}")


def _refund(order: OrderDetail) -> Refund | None:
    if order.refunded_at is None or order.refunded_fen is None:
        return None
    return Refund(order.refunded_fen, order.refunded_at)


def _stay(order: OrderDetail) -> Stay:
    return Stay(
        order_sn=order.sn,
        title=order.title,
        total_fen=order.total_fen,
        first_day=order.live_start_date,
        last_day=order.live_end_date,
        code=order.trade_code or "",
        refund=_refund(order),
    )


def _unsent(detail: str) -> Verdict:
    return Verdict(Outcome.NOT_SENT, detail[:300])
