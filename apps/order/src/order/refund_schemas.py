"""Requests and responses about what goes back and what stays. Amounts in fen, times in UTC but where they say unix."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from order import cancelling, timeline
from order.cancelling import Cancellation, CancelPolicy
from order.models import HomestayOrder
from order.schemas import Trimmed, kept_fen
from servicekit.clock import unix
from servicekit.schemas import ApiModel, Sn, Text

Fen = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]


class RefundStep(ApiModel):
    """What goes back by itself until the moment `until`; null: from the last such moment on."""

    until: datetime | None
    percent: int
    refund_fen: int

    @classmethod
    def all_of(cls, steps: Sequence[cancelling.RefundStep]) -> "list[RefundStep]":
        return [
            cls(
                until=step.until.astimezone(UTC) if step.until else None,
                percent=step.percent,
                refund_fen=step.refund_fen,
            )
            for step in steps
        ]


class CancelQuote(ApiModel):
    """What the buyer gets back when they cancel now, and what stays with the host. `asksHost`: the stay has begun, so the
    host decides whether anything goes back; not where a request from before was refused, of which `refundFen` stays due."""

    sn: str
    total_fen: int
    refund_fen: int
    kept_fen: int
    percent: int
    cancel_policy: CancelPolicy
    asks_host: bool
    steps: list[RefundStep]

    @classmethod
    def of(cls, order: HomestayOrder, told: Cancellation) -> "CancelQuote":
        return cls(
            sn=order.sn,
            total_fen=order.order_total_fen,
            refund_fen=told.refund_fen,
            kept_fen=order.order_total_fen - told.refund_fen,
            percent=told.percent,
            cancel_policy=told.policy,
            asks_host=told.asks_host,
            steps=RefundStep.all_of(told.steps),
        )


class TimelineEntry(ApiModel):
    """A change of state, or a refund (`cause` refund-requested, refund-returned or refund-failed, with its amount), which
    leaves the state as it is. `fromState` null: the order was created."""

    state: int
    from_state: int | None
    cause: str
    at: Annotated[int, Field(description="unix seconds")]
    refund_fen: int | None

    @classmethod
    def all_of(cls, entries: Sequence[timeline.Entry]) -> "list[TimelineEntry]":
        return [
            cls(
                state=entry.state,
                from_state=entry.from_state,
                cause=entry.cause,
                at=unix(entry.at),
                refund_fen=entry.refund_fen,
            )
            for entry in entries
        ]


class RefundRequest(ApiModel):
    """`refundFen`: what the buyer asks for, when that is more than goes back by itself; the host then decides."""

    sn: Sn
    reason: Annotated[Text, Trimmed, Field(max_length=80)] = ""
    refund_fen: Fen | None = None


class RefundDecision(ApiModel):
    """`note` is shown to the buyer. `refundFen`: what goes back, at least the order's `refundLeastFen`, which is meant when
    it is absent."""

    sn: Sn
    agree: Annotated[bool, Field(strict=True)]
    note: Annotated[Text, Trimmed, Field(max_length=256)] = ""
    refund_fen: Fen | None = None


class RefundMore(ApiModel):
    """`note` is shown on WeChat's refund notice."""

    sn: Sn
    refund_fen: Fen
    note: Annotated[Text, Trimmed, Field(max_length=80)] = ""


class RefundGiven(ApiModel):
    """`refundFen` was requested; what has come back so far is `refundedFen`, and the rest `keptFen`."""

    sn: str
    refund_fen: int
    refunded_fen: int
    kept_fen: int

    @classmethod
    def of(cls, order: HomestayOrder, refund_fen: int) -> "RefundGiven":
        return cls(sn=order.sn, refund_fen=refund_fen, refunded_fen=order.refunded_fen, kept_fen=kept_fen(order))
