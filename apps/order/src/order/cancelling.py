"""What a buyer who cancels gets back: the policies as data, and the rule. Pure functions; amounts in fen.

Days count back from the day of arrival in Asia/Shanghai and end at midnight there. From the beginning of the stay (noon of
the first day) nothing goes back by itself: the host decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from order.pricing import Stay
from servicekit.clock import SHANGHAI


class CancelPolicy(StrEnum):
    """Chosen by the host, kept with each order."""

    FLEXIBLE = "flexible"
    MODERATE = "moderate"
    STRICT = "strict"


@dataclass(frozen=True)
class Step:
    """`percent` goes back to a buyer who cancels at least `days` before the day of arrival; 0 is that day's morning."""

    days: int
    percent: int


@dataclass(frozen=True)
class Terms:
    """`steps`: earliest first, so that the first one that has not passed counts; after the last one nothing goes back.
    `once_begun`: the percent that goes back when the host agrees to a request during the stay and names no amount, or does
    not answer it."""

    steps: tuple[Step, ...]
    once_begun: int


TERMS: dict[CancelPolicy, Terms] = {
    CancelPolicy.FLEXIBLE: Terms((Step(0, 100),), once_begun=100),
    CancelPolicy.MODERATE: Terms((Step(5, 100), Step(1, 50)), once_begun=0),
    CancelPolicy.STRICT: Terms((Step(14, 100), Step(7, 50)), once_begun=0),
}
"""Flexible is the rule of all orders from before there were policies."""


@dataclass(frozen=True)
class RefundStep:
    """What goes back until the moment `until` (UTC); None: from the last such moment on."""

    until: datetime | None
    percent: int
    refund_fen: int


@dataclass(frozen=True)
class Share:
    """What goes back of `total_fen` without asking the host, in percent and in fen."""

    total_fen: int
    percent: int

    @property
    def refund_fen(self) -> int:
        """Whole fen, rounded half up; never more than the total."""
        return (self.total_fen * self.percent + 50) // 100


@dataclass(frozen=True)
class Cancellation:
    """What cancelling at one moment means. `refund_fen`, `percent`: what goes back for sure; `asks_host`: that is nothing,
    and the host decides whether more does; `steps`: what goes back from then on."""

    policy: CancelPolicy
    percent: int
    refund_fen: int
    asks_host: bool
    steps: Sequence[RefundStep]


def has_begun(stay: Stay, now: datetime) -> bool:
    """Whether the host decides about a refund."""
    return now >= stay.refundable_until


def share(policy: CancelPolicy, stay: Stay, total_fen: int, now: datetime) -> Share:
    """What goes back when the buyer cancels at `now`."""
    percents = (step.percent for step in TERMS[policy].steps if now < _until(step, stay))
    return Share(total_fen, next(percents, 0))


def least(policy: CancelPolicy, stay: Stay, total_fen: int, now: datetime) -> Share:
    """What goes back of a request made at `now` that the host agrees to without an amount, or does not answer."""
    if has_begun(stay, now):
        return Share(total_fen, TERMS[policy].once_begun)
    return share(policy, stay, total_fen, now)


def owed_after_refusal(policy: CancelPolicy, stay: Stay, asked_at: datetime, least_fen: int) -> int:
    """What still goes back for sure after the host refused a request of `asked_at`, for which silence would have given
    `least_fen`: that share was the buyer's before the host was asked. What silence alone gives, during the stay, is not."""
    by_silence_alone = has_begun(stay, asked_at) and TERMS[policy].once_begun > 0
    return 0 if by_silence_alone else least_fen


def steps_to_come(
    policy: CancelPolicy, stay: Stay, total_fen: int, now: datetime, *, owed_fen: int = 0
) -> list[RefundStep]:
    """What goes back until when, from `now` on; the last step has no end. `owed_fen` (`owed_after_refusal`) goes back at
    any time, so steps that give no more are left out."""
    ahead = [
        RefundStep(until, step.percent, fen)
        for step in TERMS[policy].steps
        if now < (until := _until(step, stay)) and (fen := Share(total_fen, step.percent).refund_fen) > owed_fen
    ]
    return [*ahead, RefundStep(None, _percent(owed_fen, total_fen), owed_fen)]


def cancellation(
    policy: CancelPolicy, stay: Stay, total_fen: int, now: datetime, *, agreed_fen: int | None, owed_fen: int = 0
) -> Cancellation:
    """`agreed_fen`: what was agreed before and came to nothing, which is not asked for again. `owed_fen`: see
    `owed_after_refusal`; the host is not asked about it."""
    steps = steps_to_come(policy, stay, total_fen, now, owed_fen=owed_fen)
    if agreed_fen is not None:
        return Cancellation(policy, _percent(agreed_fen, total_fen), agreed_fen, asks_host=False, steps=steps)
    asks_host = has_begun(stay, now) and owed_fen == 0
    return Cancellation(policy, steps[0].percent, steps[0].refund_fen, asks_host=asks_host, steps=steps)


def _percent(fen: int, total_fen: int) -> int:
    return fen * 100 // total_fen if fen else 0


def _until(step: Step, stay: Stay) -> datetime:
    """The end of the day, at the latest the beginning of the stay."""
    last_day = stay.start - timedelta(days=step.days)
    midnight = datetime.combine(last_day + timedelta(days=1), time(), SHANGHAI)
    return min(midnight, stay.refundable_until)
