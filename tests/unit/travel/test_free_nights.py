"""Which nights are free, and which stays are near: the rules, for any homestay."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from travel.free_nights import DAYS_AROUND, FreeNight, free_nights, nearest_stays
from travel.night_prices import NightOffer, nights_between

DAY = date(2026, 12, 10)


def night(days: int, free: int) -> FreeNight:
    return FreeNight(DAY + timedelta(days=days), 100, free, closed=not free)


def test_what_is_left_is_the_stock_without_what_is_taken_and_nothing_of_a_closed_night() -> None:
    nights = nights_between(DAY, DAY + timedelta(days=5))
    offers = [NightOffer(each, 100, closed=each == nights[2]) for each in nights]

    free = free_nights(offers, {nights[1]: 2, nights[3]: 5}, stock=3, first=nights[0], last=nights[3])

    assert [(each.free, each.closed) for each in free] == [(3, False), (1, False), (0, True), (0, False), (0, True)]
    assert [each.night for each in free] == nights


def test_nights_that_are_over_are_not_sold() -> None:
    [over, today] = free_nights(
        [NightOffer(DAY - timedelta(days=1), 100, closed=False), NightOffer(DAY, 100, closed=False)],
        {}, stock=1, first=DAY, last=DAY,
    )  # fmt: skip
    assert (over.free, over.closed, today.free, today.closed) == (0, True, 1, False)


def test_the_nearest_stay_comes_first_and_the_earlier_one_of_two() -> None:
    nights = [night(days, 1 if days not in {0, 1} else 0) for days in range(-10, 11)]

    stays = nearest_stays(nights, DAY, 2, 1, last_start=date.max)

    assert [(first - DAY).days for first, _ in stays] == [-2, 2, -3]
    assert all((end - first).days == 2 for first, end in stays)


@given(
    free=st.dictionaries(st.integers(-DAYS_AROUND - 5, DAYS_AROUND + 40), st.integers(0, 4), max_size=70),
    length=st.integers(1, 10),
    units=st.integers(1, 4),
    last=st.integers(-40, 80),
)
def test_every_stay_is_free_throughout_and_no_nearer_one_is_left_out(
    free: dict[int, int], length: int, units: int, last: int
) -> None:
    nights, last_start = [night(days, left) for days, left in free.items()], DAY + timedelta(days=last)
    stays = nearest_stays(nights, DAY, length, units, last_start=last_start)

    def fits(first: int) -> bool:
        return last >= first != 0 and all(free.get(first + number, 0) >= units for number in range(length))

    found = [(first - DAY).days for first, _ in stays]
    every = sorted((each for each in range(-DAYS_AROUND, DAYS_AROUND + 1) if fits(each)), key=lambda n: (abs(n), n))
    assert found == every[:3]
