"""The rate by which a loop decides whether the next things may gather."""

import pytest

from servicekit.pace import Pace


@pytest.mark.parametrize(("rate", "each"), [(50, 1), (50, 5), (2000, 1), (2000, 100)])
def test_a_steady_rate_is_found_whatever_comes_at_once(rate: int, each: int) -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for step in range(1, rate // each + 1):
        now[0] = step * each / rate
        pace.add(each)
    assert pace.per_second() == pytest.approx(rate, rel=0.25)


def test_it_is_quiet_again_within_two_seconds() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    pace.add(1000)
    now[0] = 2.0
    assert pace.per_second() < 2
