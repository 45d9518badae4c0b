"""A claimed task, and what came of it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import RowMapping

from notification.states import Kind, TaskState, Verdict
from servicekit.telemetry.traces import TraceContext


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this replica has leased. After the lease another replica may claim it, which changes its
    `version`."""

    task_id: int
    order_sn: str
    kind: Kind
    version: int
    trace: TraceContext
    facts: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        trace = TraceContext(row["traceparent"] or "", row["tracestate"] or "")
        return cls(row["id"], row["order_sn"], Kind(row["kind"]), row["version"], trace, row["facts"])


@dataclass(frozen=True, slots=True)
class Unsent:
    """A claimed task of which nothing is sent now. It ends in `state`; None: that was an attempt, and it is retried."""

    claim: Claim
    verdict: Verdict
    state: TaskState | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of attempt number `seq`."""

    claim: Claim
    seq: int
    verdict: Verdict
