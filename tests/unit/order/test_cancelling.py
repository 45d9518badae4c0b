"""What goes back to a buyer who cancels, to the fen."""

from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order import cancelling
from order.cancelling import TERMS, CancelPolicy, RefundStep, Share
from order.pricing import LARGEST_TOTAL_FEN, Stay
from servicekit.clock import SHANGHAI

STAY = Stay(date(2026, 12, 20), date(2026, 12, 22))
FLEXIBLE, MODERATE, STRICT = CancelPolicy.FLEXIBLE, CancelPolicy.MODERATE, CancelPolicy.STRICT
POLICIES, TOTALS = st.sampled_from(CancelPolicy), st.integers(1, LARGEST_TOTAL_FEN)
MOMENTS = st.integers(-60 * 24 * 30, 60 * 24 * 3).map(
    lambda minutes: datetime(2026, 12, 20, tzinfo=SHANGHAI) + timedelta(minutes=minutes)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("policy", "moment", "percent"),
    [
        (FLEXIBLE, "2026-11-01 00:00:00", 100),
        (FLEXIBLE, "2026-12-20 11:59:59", 100),
        (FLEXIBLE, "2026-12-20 12:00:00", 0),
        (MODERATE, "2026-12-15 23:59:59", 100),
        (MODERATE, "2026-12-16 00:00:00", 50),
        (MODERATE, "2026-12-19 23:59:59", 50),
        (MODERATE, "2026-12-20 00:00:00", 0),
        (STRICT, "2026-12-06 23:59:59", 100),
        (STRICT, "2026-12-07 00:00:00", 50),
        (STRICT, "2026-12-13 23:59:59", 50),
        (STRICT, "2026-12-14 00:00:00", 0),
    ],
)
def test_the_share_by_the_day_in_shanghai(policy: CancelPolicy, moment: str, percent: int) -> None:
    assert cancelling.share(policy, STAY, 20000, at(moment)) == Share(20000, percent)


@pytest.mark.parametrize(
    ("policy", "moment", "percent"),
    [
        (FLEXIBLE, "2026-12-20 12:00:00", 100),
        (MODERATE, "2026-12-20 12:00:00", 0),
        (STRICT, "2026-12-20 12:00:00", 0),
        (MODERATE, "2026-12-17 08:00:00", 50),
        (STRICT, "2026-12-20 11:59:59", 0),
    ],
)
def test_what_a_host_gives_at_least(policy: CancelPolicy, moment: str, percent: int) -> None:
    assert cancelling.least(policy, STAY, 20000, at(moment)).percent == percent


@pytest.mark.parametrize(
    ("total", "percent", "fen"), [(19900, 50, 9950), (1, 50, 1), (3, 50, 2), (99, 50, 50), (1, 49, 0), (7, 100, 7)]
)
def test_half_a_fen_is_rounded_up(total: int, percent: int, fen: int) -> None:
    assert Share(total, percent).refund_fen == fen


@given(TOTALS, st.integers(0, 100))
def test_rounding_is_half_up_exactly_and_never_above_the_total(total: int, percent: int) -> None:
    fen = Share(total, percent).refund_fen
    exact = Fraction(total * percent, 100)

    assert Fraction(-1, 2) < fen - exact <= Fraction(1, 2)
    assert 0 <= fen <= total


@given(POLICIES, TOTALS, MOMENTS, MOMENTS)
def test_who_cancels_later_never_gets_more(policy: CancelPolicy, total: int, one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))

    shares = [cancelling.share(policy, STAY, total, moment).refund_fen for moment in (earlier, later)]
    assert shares[0] >= shares[1]


@given(POLICIES, TOTALS, TOTALS, MOMENTS)
def test_a_larger_total_never_gives_less_back(policy: CancelPolicy, one: int, other: int, moment: datetime) -> None:
    less, more = sorted((one, other))

    assert (
        cancelling.share(policy, STAY, less, moment).refund_fen
        <= cancelling.share(policy, STAY, more, moment).refund_fen
    )


@given(POLICIES, TOTALS, MOMENTS)
def test_the_first_step_to_come_is_what_goes_back_now(policy: CancelPolicy, total: int, moment: datetime) -> None:
    steps = cancelling.steps_to_come(policy, STAY, total, moment)
    share = cancelling.share(policy, STAY, total, moment)

    assert (steps[0].percent, steps[0].refund_fen) == (share.percent, share.refund_fen)
    assert steps[-1] == RefundStep(None, 0, 0)
    ends = [step.until for step in steps[:-1]]
    assert ends == sorted(ends)
    assert all(moment < until <= STAY.refundable_until for until in ends)


@given(POLICIES, TOTALS, MOMENTS, st.data())
def test_what_is_owed_from_a_refused_request_is_the_least_of_every_step(
    policy: CancelPolicy, total: int, moment: datetime, data: st.DataObject
) -> None:
    owed = data.draw(st.integers(0, total))
    told = cancelling.cancellation(policy, STAY, total, moment, agreed_fen=None, owed_fen=owed)

    assert told.refund_fen == max(owed, cancelling.share(policy, STAY, total, moment).refund_fen)
    assert told.asks_host == (cancelling.has_begun(STAY, moment) and owed == 0)
    assert (told.steps[0].percent, told.steps[0].refund_fen) == (told.percent, told.refund_fen)
    amounts = [step.refund_fen for step in told.steps]
    assert amounts == sorted(amounts, reverse=True)
    assert (told.steps[-1].until, amounts[-1]) == (None, owed)


@pytest.mark.parametrize(
    ("policy", "asked", "least", "owed"),
    [
        (MODERATE, "2026-12-19 23:50:00", 10000, 10000),
        (MODERATE, "2026-12-20 12:00:00", 0, 0),
        (MODERATE, "2026-12-20 12:00:00", 10000, 10000),
        (FLEXIBLE, "2026-12-20 12:00:00", 20000, 0),
    ],
)
def test_what_a_refusal_leaves(policy: CancelPolicy, asked: str, least: int, owed: int) -> None:
    assert cancelling.owed_after_refusal(policy, STAY, at(asked), least) == owed


@given(POLICIES, TOTALS, MOMENTS)
def test_a_host_who_agrees_gives_at_least_what_goes_back_by_itself(
    policy: CancelPolicy, total: int, moment: datetime
) -> None:
    least = cancelling.least(policy, STAY, total, moment).refund_fen

    assert cancelling.share(policy, STAY, total, moment).refund_fen <= least <= total


@pytest.mark.parametrize("policy", CancelPolicy)
def test_every_policy_falls_with_the_days(policy: CancelPolicy) -> None:
    steps = TERMS[policy].steps

    assert [step.days for step in steps] == sorted({step.days for step in steps}, reverse=True)
    assert [step.percent for step in steps] == sorted({step.percent for step in steps}, reverse=True)
    assert all(0 < step.percent <= 100 for step in steps)
