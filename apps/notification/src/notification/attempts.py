"""Records delivery attempts: claims tasks, writes the attempts before they are made and their outcomes afterwards.

All transactions of a delivery are here, each for many tasks; none contains a network call. `decisions` says what an attempt
does to its task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from notification import decisions, reports, repository
from notification.claims import Claim, Sent, Unsent
from notification.decisions import Attempt, Task
from notification.repository import ClaimOrder
from notification.retries import RetryPolicy
from notification.states import REFUSED_BY_USER, Outcome, TaskState, conclude
from servicekit.arrays import ArrayTransaction
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable

LEASE = timedelta(seconds=30)
"""Longer than each half of a batch: the preparation, and the sends, which run side by side, each with a renewal of the
access token (four requests of at most five seconds). The lease is renewed between the two."""

ACTOR = "notification"


E = TypeVar("E", Claim, Unsent, Sent)
Step = tuple[Task, Attempt | None]
"""A task as it is written, and the attempt that is added to it."""
AfterCommit = Callable[[], None]
Write = Callable[[ArrayTransaction, Sequence[E], Mapping[int, Task]], Awaitable[AfterCommit]]

ALONE_SECONDS = 5.0
"""Longest time for writing tasks one by one. With it a batch still sends well within its lease."""


@dataclass(kw_only=True, eq=False)
class Attempts:
    """Claims tasks, begins and records attempts. Safe on several replicas: a row's lock and version decide.

    A batch is one transaction and waits for no row. Every task of a batch that cannot be written is done alone, so that a
    bad one harms no other. So is the outcome of a task that another transaction has locked, which is waited for; before a
    send such a task is left alone, and due again when its lease ends.
    """

    db: Database
    clock: Clock
    policy: RetryPolicy

    async def claim(self, order: ClaimOrder, limit: int) -> list[Claim]:
        """Lease at most `limit` tasks that are due, in the given order."""
        now = self.clock()
        async with self.db.transaction() as tx:
            rows = await repository.claim(tx, order, now=now, lease=LEASE, limit=limit)
        return [Claim.of(row) for row in rows]

    async def begin(self, claims: Sequence[Claim]) -> dict[int, int]:
        """Record an attempt for each claim, outcome unknown, before it is made. Returns the attempts' numbers by task id;
        without tasks that are no longer ours, have no attempt left, or could not be written."""
        begun: dict[int, int] = {}

        async def write(tx: ArrayTransaction, claims: Sequence[Claim], tasks: Mapping[int, Task]) -> AfterCommit:
            now = self.clock()
            ours = [tasks[each.task_id] for each in claims if tasks[each.task_id].is_ours(each.version)]
            steps = [decisions.begin(task, policy=self.policy, now=now, lease=LEASE) for task in ours]
            ended = await _write(tx, tasks, steps, now)

            def committed() -> None:
                begun.update((attempt.task_id, attempt.seq) for _, attempt in steps if attempt)
                ended()

            return committed

        await self._in_one_or_each(claims, write, wait=False)
        return begun

    async def end_unsent(self, unsent: Sequence[Unsent]) -> None:
        """Record tasks of which nothing was sent: as a failed attempt, or as ended."""

        async def write(tx: ArrayTransaction, unsent: Sequence[Unsent], tasks: Mapping[int, Task]) -> AfterCommit:
            now = self.clock()
            ours = [each for each in unsent if tasks[each.claim.task_id].is_ours(each.claim.version)]
            steps = [self._unsent(tasks[each.claim.task_id], each, now) for each in ours]
            ended = await _write(tx, tasks, steps, now)

            def committed() -> None:
                reports.unsent(ours)
                ended()

            return committed

        await self._in_one_or_each(unsent, write, wait=False)

    async def record(self, sent: Sequence[Sent]) -> list[Sent]:
        """Record outcomes. A delivery counts whatever happened to the task meanwhile; any other outcome changes the task
        only while it is still ours. Returns those that could not be written: the database or their task was not free."""

        async def write(tx: ArrayTransaction, sent: Sequence[Sent], tasks: Mapping[int, Task]) -> AfterCommit:
            refused = [each for each in sent if each.verdict.errcode == REFUSED_BY_USER]  # all that a doubt changes
            pairs = [(each.claim.task_id, each.seq) for each in refused]
            doubtful = await repository.doubtful(tx, pairs) if pairs else set()
            now = self.clock()
            ends = [(each, *conclude(each.verdict, doubtful=each.claim.task_id in doubtful)) for each in sent]
            known = await repository.end_attempts(tx, [_attempt(each, outcome, now) for each, outcome, _ in ends], now)
            ends = [end for end in ends if end[0].claim.task_id in known]
            steps = [
                (self._ended(tasks[each.claim.task_id], each, outcome, state, now), None)
                for each, outcome, state in ends
            ]
            ended = await _write(tx, tasks, steps, now)

            def committed() -> None:
                reports.sent([(each, outcome) for each, outcome, _ in ends])
                ended()

            return committed

        return await self._in_one_or_each(sent, write, wait=True)

    def _unsent(self, task: Task, unsent: Unsent, now: datetime) -> Step:
        verdict = unsent.verdict
        if unsent.state is None:
            return decisions.not_sent(task, verdict, policy=self.policy, now=now)
        return decisions.move(task, unsent.state, now=now, reason=verdict.detail, cause=verdict.cause), None

    def _ended(self, task: Task, sent: Sent, outcome: Outcome, state: TaskState, now: datetime) -> Task:
        return decisions.ended(task, sent.claim.version, outcome, state, sent.verdict, policy=self.policy, now=now)

    async def _in_one_or_each(self, items: Sequence[E], write: Write[E], *, wait: bool) -> list[E]:
        """Write all in one transaction, and what it did not take one by one; `wait`: for rows that are locked, too. Returns
        what could not be written, and logs it: it is retried when its lease ends."""
        alone, began = list(items), asyncio.get_running_loop().time()
        if len(items) > 1:
            try:
                alone = await self._in_one(items, write, wait=False)
            except DatabaseUnavailable as error:
                reports.unwritten(len(items), error)
                return alone
            except Exception as error:  # noqa: BLE001 - one of them is at fault: each alone shows which
                reports.one_by_one(len(items), error)
        left = list[E]()
        for item in alone:
            if asyncio.get_running_loop().time() > began + ALONE_SECONDS:
                left.append(item)
                continue
            try:
                await self._in_one([item], write, wait=wait or len(items) == 1)
            except DatabaseUnavailable as error:
                reports.unwritten(1, error)
                left.append(item)
            except Exception as error:  # noqa: BLE001 - it harms no other
                reports.unwritable(_claim(item), error)
        return left

    async def _in_one(self, items: Sequence[E], write: Write[E], *, wait: bool) -> list[E]:
        """Returns those whose task another transaction has locked, or that is no more."""
        async with self.db.arrays() as tx:
            tasks = await repository.lock_all(tx, [_claim(each).task_id for each in items], wait=wait)
            committed = await write(tx, [each for each in items if _claim(each).task_id in tasks], tasks)
        committed()
        return [each for each in items if _claim(each).task_id not in tasks]


def _claim(item: Claim | Unsent | Sent) -> Claim:
    return item if isinstance(item, Claim) else item.claim


def _attempt(sent: Sent, outcome: Outcome, now: datetime) -> Attempt:
    verdict = sent.verdict
    return Attempt(sent.claim.task_id, sent.seq, outcome.value, verdict.errcode, verdict.detail, now, now)


async def _write(tx: ArrayTransaction, tasks: Mapping[int, Task], steps: Sequence[Step], now: datetime) -> AfterCommit:
    changed = [task for task, _ in steps if task is not tasks[task.id]]
    if changed:
        await repository.write(tx, tasks, changed, [attempt for _, attempt in steps if attempt], actor=ACTOR, now=now)
    return lambda: reports.ended([task for task in changed if task.state != tasks[task.id].state])
