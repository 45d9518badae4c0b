"""Delivers a batch of claimed tasks: read their orders and openids, record the attempts, send side by side, record the
outcomes. One bad order, openid or send harms no other task.

After a crash between two steps the tasks are due again when their lease ends, each with at most one attempt whose outcome
is `unknown`; WeChat's answer to the next attempt tells whether that one was delivered.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from notification.attempts import Attempts
from notification.claims import Claim, Sent, Unsent
from notification.composing import NothingToSend, Templates, message, recipient
from notification.peers import OrderPeer, UserPeer
from notification.states import Outcome, Verdict
from notification.wechat.messages import Message, Messenger
from notification.wechat.tokens import NoToken
from servicekit.errors import DatabaseUnavailable, PeerUnavailable
from servicekit.telemetry import traces

log = structlog.get_logger()
T = TypeVar("T")

PREPARE_SECONDS = 14.0
RECORD_SECONDS = 0.25
"""How long the outcome of a send waits for those of its batch, so that a slow one holds up no other."""
RECORD_PAUSES = (0.2, 0.8, 2.0)
"""Pauses in seconds between tries to record an outcome while the database is unavailable; then it stays unknown."""


@dataclass(kw_only=True, eq=False)
class Delivery:
    """Delivers claimed tasks. Safe on several replicas."""

    attempts: Attempts
    orders: OrderPeer
    users: UserPeer
    messenger: Messenger
    templates: Templates

    async def deliver(self, claims: Sequence[Claim]) -> AsyncIterator[int]:
        """Make one attempt for each claim. Yields how many tasks are done: first when the sends have begun, then whenever
        outcomes were recorded. Raises DatabaseUnavailable only; then the tasks are retried when their lease ends."""
        with traces.batch("prepare messages", [traces.parsed(*claim.trace) for claim in claims]):
            messages, unsent = await self._prepare(claims)
            await self.attempts.end_unsent(unsent)
            begun = await self.attempts.begin([claim for claim, _ in messages])
        sends = {
            asyncio.create_task(self._send(claim, text)): (claim, begun[claim.task_id])
            for claim, text in messages
            if claim.task_id in begun
        }
        try:
            yield len(claims) - len(sends)
            pending, lost = set(sends), 0
            while pending:
                done, pending = await asyncio.wait(pending, timeout=RECORD_SECONDS)
                lost += await self._record([sent for send in done if (sent := _outcome(send, *sends[send]))])
                yield len(done)
            if lost:
                raise DatabaseUnavailable(f"{lost} outcomes stay unknown")
        finally:
            for send in sends:
                send.cancel()

    async def _prepare(self, claims: Sequence[Claim]) -> tuple[list[tuple[Claim, Message]], list[Unsent]]:
        """The messages, and the tasks that get none now."""
        unsent: list[Unsent] = []
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                return await self._compose(claims, unsent), unsent
        except Exception as error:  # noqa: BLE001 - it harms what is not decided yet, and counts as an attempt
            decided = {each.claim.task_id for each in unsent}
            failed = _failure(error)
            return [], unsent + [Unsent(claim, failed) for claim in claims if claim.task_id not in decided]

    async def _compose(self, claims: Sequence[Claim], unsent: list[Unsent]) -> list[tuple[Claim, Message]]:
        orders = await self.orders.orders({claim.order_sn for claim in claims})
        found = _each(claims, lambda claim: recipient(claim, orders[claim.order_sn]), unsent)
        openids = await self.users.openids({each.user_id for _, each in found}) if found else {}
        recipients = {claim.task_id: each for claim, each in found}

        def composed(claim: Claim) -> Message:
            to = recipients[claim.task_id]
            return message(claim, to, openids.get(to.user_id), self.templates)

        messages = _each([claim for claim, _ in found], composed, unsent)
        if messages:
            await self.messenger.get_ready()
        return messages

    async def _send(self, claim: Claim, text: Message) -> Verdict:
        """One attempt, in the trace of the event that the message is about."""
        attributes = {"minsu.order_sn": claim.order_sn, "minsu.message": claim.kind.value}
        with traces.using(traces.begin("send message", traces.parsed(*claim.trace), attributes=attributes)) as span:
            verdict = await self.messenger.send(text)
            if verdict.outcome is not Outcome.ACCEPTED:
                traces.fail(span, verdict.outcome.value)
            return verdict

    async def _record(self, sent: Sequence[Sent]) -> int:
        """Returns how many could not be recorded: their outcome stays unknown."""
        for pause in RECORD_PAUSES:
            sent = await self.attempts.record(sent)
            if not sent:
                return 0
            await asyncio.sleep(pause)
        return len(await self.attempts.record(sent))


def _each(claims: Sequence[Claim], work: Callable[[Claim], T], unsent: list[Unsent]) -> list[tuple[Claim, T]]:
    """`work` on each claim; those on which it raises are added to `unsent`."""
    results = []
    for claim in claims:
        try:
            results.append((claim, work(claim)))
        except NothingToSend as nothing:
            verdict = Verdict(Outcome.NOT_SENT, str(nothing), cause=nothing.cause)
            unsent.append(Unsent(claim, verdict, nothing.state))
        except Exception as error:  # noqa: BLE001 - it harms no other task of the batch
            unsent.append(Unsent(claim, _failure(error)))
    return results


def _failure(error: Exception) -> Verdict:
    """The verdict of an attempt that failed before anything was sent."""
    if isinstance(error, (PeerUnavailable, NoToken, TimeoutError)):
        detail = str(error) or "timeout while reading order, openid or access token"
    else:  # a bug must count as an attempt, else it is retried for ever
        log.error("messages cannot be prepared", exc_info=error)
        detail = f"unexpected {type(error).__name__}"
    return Verdict(Outcome.NOT_SENT, detail[:300])


def _outcome(send: asyncio.Task[Verdict], claim: Claim, seq: int) -> Sent | None:
    """None for a bug: the outcome stays unknown."""
    if error := send.exception():
        if not isinstance(error, Exception):
            raise error
        log.error("a send failed", order_sn=claim.order_sn, kind=claim.kind, exc_info=error)
        return None
    return Sent(claim, seq, send.result())
