"""Metrics and log lines of attempts: a line for each message that was not delivered, at debug level for one that was."""

import itertools
from collections import Counter as Counts
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from notification.claims import Claim, Sent, Unsent
from notification.decisions import Task, reason_of
from notification.states import Kind, Outcome, TaskState, Verdict
from servicekit.error_texts import error_text

log = structlog.get_logger()

ATTEMPTS = Counter("notification_attempts_total", "Attempts by message and outcome", ["kind", "outcome"])
ENDED = Counter("notification_tasks_ended_total", "Tasks that left the state pending", ["kind", "state"])
for _kind, _outcome in itertools.product(Kind, Outcome):
    ATTEMPTS.labels(_kind.value, _outcome.value)
for _kind, _state in itertools.product(Kind, TaskState):
    ENDED.labels(_kind.value, _state.value)  # starts at 0, so that an alert on the increase sees the first one

DELIVERED = (Outcome.ACCEPTED, Outcome.PRESUMED)


def sent(ends: Sequence[tuple[Sent, Outcome]]) -> None:
    """Attempts whose outcome is recorded."""
    outcomes = Counts((each.claim.kind.value, outcome.value) for each, outcome in ends)
    for labels, count in outcomes.items():
        ATTEMPTS.labels(*labels).inc(count)
    for each, outcome in ends:
        if outcome not in DELIVERED:
            _not_delivered(each.claim, outcome, each.verdict)
        else:
            log.debug("message delivered", order_sn=each.claim.order_sn, kind=each.claim.kind, outcome=outcome)
    delivered = sum(outcome in DELIVERED for _, outcome in ends)
    log.info("messages sent", delivered=delivered, failed=len(ends) - delivered)


def unsent(tasks: Sequence[Unsent]) -> None:
    for each in tasks:
        claim, verdict = each.claim, each.verdict
        if each.state is None:
            ATTEMPTS.labels(claim.kind.value, verdict.outcome.value).inc()
            _not_delivered(claim, verdict.outcome, verdict)
        else:
            log.info(
                "message is not sent",
                order_sn=claim.order_sn,
                kind=claim.kind,
                state=each.state,
                reason=verdict.detail,
                **_trace(claim),
            )


def ended(tasks: Sequence[Task]) -> None:
    """Tasks that were moved to another state."""
    for labels, count in Counts((each.kind, each.state) for each in tasks).items():
        ENDED.labels(*labels).inc(count)
    for each in tasks:
        if each.state == TaskState.DEAD:
            log.error("message is dead", task_id=each.id, order_sn=each.order_sn, reason=each.reason)


def unwritten(count: int, error: Exception) -> None:
    log.warning("deliveries are retried when their lease ends", count=count, reason=str(error))


def one_by_one(count: int, error: Exception) -> None:
    log.warning("messages are written one by one", count=count, reason=error_text(error))


def unwritable(claim: Claim, error: Exception) -> None:
    log.error("a message cannot be written", order_sn=claim.order_sn, kind=claim.kind, reason=error_text(error))


def _not_delivered(claim: Claim, outcome: Outcome, verdict: Verdict) -> None:
    reason = reason_of(verdict)
    log.info(
        "message was not delivered",
        order_sn=claim.order_sn,
        kind=claim.kind,
        outcome=outcome,
        reason=reason,
        **_trace(claim),
    )


def _trace(claim: Claim) -> dict[str, str]:
    """The trace of the event that the message is about: a batch has one of its own."""
    return {"trace_id": claim.trace.trace_id} if claim.trace.traceparent else {}
