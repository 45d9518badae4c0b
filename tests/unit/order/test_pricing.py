"""What a stay costs, and when it may be booked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order import pricing
from order.errors import (
    NoNights,
    NotOnSale,
    PriceOutOfRange,
    StartInThePast,
    StartTooFar,
    StayTooLong,
    TooFewNights,
    TooManyPeople,
)
from order.pricing import BY_PERSON, BY_ROOM, Price, Stay
from servicekit.clock import SHANGHAI, from_unix
from servicekit.errors import Problem

MOMENTS = st.integers(1_767_225_600, 1_798_761_600).map(from_unix)  # any second of 2026
MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Night:
    night: date
    price_fen: int
    closed: bool = False


def nights_of(*prices_fen: int, start: date = date(2026, 11, 23)) -> list[Night]:
    return [Night(start + timedelta(days=number), fen) for number, fen in enumerate(prices_fen)]


@dataclass
class Offer:
    on_sale: bool = True
    people_num: int = 4
    sold_by: int = BY_ROOM
    food_price_fen: int = 2500
    min_nights: int = 1
    max_nights: int = 90
    days_ahead: int = 365
    nights: Sequence[Night] = field(default_factory=lambda: nights_of(19900))


def stay(nights: int = 1, start: date = date(2026, 11, 23)) -> Stay:
    return Stay(start, start + timedelta(days=nights))


@pytest.mark.parametrize(
    ("sold_by", "food_price_fen", "people", "food", "expected"),
    [
        (BY_ROOM, 2500, 1, False, [(19900, 0), (25000, 0), (100, 0)]),
        (BY_ROOM, 2500, 2, True, [(19900, 5000), (25000, 5000), (100, 5000)]),
        (BY_ROOM, 0, 4, True, [(19900, 0), (25000, 0), (100, 0)]),
        (BY_PERSON, 2500, 2, False, [(39800, 0), (50000, 0), (200, 0)]),
        (BY_PERSON, 2500, 4, True, [(79600, 10000), (100000, 10000), (400, 10000)]),
    ],
)
def test_each_night_costs_its_price_by_room_or_by_person_and_food_by_person(
    sold_by: int, food_price_fen: int, people: int, food: bool, expected: list[tuple[int, int]]
) -> None:
    offer = Offer(sold_by=sold_by, food_price_fen=food_price_fen, nights=nights_of(19900, 25000, 100))

    price = pricing.price(offer, people=people, food=food)

    assert [(line.homestay_fen, line.food_fen) for line in price.lines] == expected
    assert [line.night for line in price.lines] == stay(3).dates
    assert (price.homestay_fen, price.food_fen) == tuple(map(sum, zip(*expected, strict=True)))


@given(
    prices=st.lists(st.integers(1, 100_000), min_size=1, max_size=pricing.MOST_NIGHTS),
    people=st.integers(1, 4),
    food_price=st.integers(0, 10_000),
    food=st.booleans(),
    sold_by=st.sampled_from([BY_ROOM, BY_PERSON]),
)
def test_a_stay_costs_the_sum_of_its_nights_and_each_what_it_costs_alone(
    prices: list[int], people: int, food_price: int, food: bool, sold_by: int
) -> None:
    def of(*nights: Night) -> Price:
        offer = Offer(sold_by=sold_by, food_price_fen=food_price, nights=nights)
        return pricing.price(offer, people=people, food=food)

    nights = nights_of(*prices)
    whole = of(*nights)

    assert whole.lines == tuple(line for night in nights for line in of(night).lines)
    assert whole.total_fen == sum(line.homestay_fen + line.food_fen for line in whole.lines)
    assert whole.homestay_fen == sum(prices) * (people if sold_by == BY_PERSON else 1)
    assert whole.food_fen == (len(prices) * people * food_price if food else 0)


@pytest.mark.parametrize("prices_fen", [[0], [2**31], [2**53], [2**30, 2**30]])
def test_a_total_that_cannot_be_paid_is_refused(prices_fen: list[int]) -> None:
    with pytest.raises(PriceOutOfRange):
        pricing.price(Offer(nights=nights_of(*prices_fen)), people=1, food=False)


def test_the_largest_total_that_can_be_paid_has_a_price() -> None:
    assert pricing.price(Offer(nights=nights_of(2**30, 2**30 - 1)), people=1, food=False).total_fen == 2**31 - 1


@pytest.mark.parametrize("people", [-1, 0, 5])
def test_people_are_within_the_homestays_limit(people: int) -> None:
    with pytest.raises(TooManyPeople):
        pricing.require_offered(Offer(), stay(), MORNING, people=people)


def test_what_is_off_sale_is_not_offered() -> None:
    with pytest.raises(NotOnSale):
        pricing.require_offered(Offer(on_sale=False), stay(), MORNING, people=1)


@pytest.mark.parametrize(
    ("wanted", "problem", "where", "params"),
    [
        (stay(nights=1), TooFewNights, "liveEndTime", {"min_nights": 2}),
        (stay(nights=6), StayTooLong, "liveEndTime", {"max_nights": 5}),
        (stay(nights=2, start=date(2026, 12, 4)), StartTooFar, "liveStartTime", {"days_ahead": 10}),
    ],
)
def test_a_homestays_own_limits_are_named(
    wanted: Stay, problem: type[Problem], where: str, params: dict[str, int]
) -> None:
    offer = Offer(min_nights=2, max_nights=5, days_ahead=10)

    with pytest.raises(problem) as caught:
        pricing.require_offered(offer, wanted, MORNING, people=1)

    assert (caught.value.field, caught.value.params) == (where, params)


@pytest.mark.parametrize("wanted", [stay(2), stay(5), stay(2, start=date(2026, 12, 3))])
def test_a_stay_at_a_homestays_limits_is_offered(wanted: Stay) -> None:
    pricing.require_offered(Offer(min_nights=2, max_nights=5, days_ahead=10), wanted, MORNING, people=4)


@given(st.lists(st.booleans(), max_size=8))
def test_the_first_closed_night_is_named_and_an_open_stay_has_none(closed: list[bool]) -> None:
    nights = [Night(date(2026, 11, 23) + timedelta(days=n), 1, each) for n, each in enumerate(closed)]

    first = pricing.first_closed(Offer(nights=nights))

    assert first == (date(2026, 11, 23) + timedelta(days=closed.index(True)) if any(closed) else None)


def test_nights_are_counted_in_shanghai_whatever_the_clock_of_the_client() -> None:
    late_evening, early_morning = datetime(2026, 11, 23, 15, 59, tzinfo=UTC), datetime(2026, 11, 23, 16, 1, tzinfo=UTC)

    assert Stay.between(late_evening, early_morning) == Stay(date(2026, 11, 23), date(2026, 11, 24))
    assert Stay.between(late_evening, early_morning).nights == 1


@given(
    start=MOMENTS,
    length=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_nights_differ_from_whole_days_by_less_than_one(start: datetime, length: timedelta) -> None:
    nights = Stay.between(start, start + length).nights

    assert length.days <= nights <= length.days + 1


@pytest.mark.parametrize(
    ("wanted", "problem", "field"),
    [
        (stay(start=date(2026, 11, 22)), StartInThePast, "liveStartTime"),
        (stay(start=date(2027, 11, 24)), StartTooFar, "liveStartTime"),
        (stay(nights=0), NoNights, "liveEndTime"),
        (stay(nights=-1), NoNights, "liveEndTime"),
        (stay(nights=91), StayTooLong, "liveEndTime"),
    ],
)
def test_what_cannot_be_booked_is_named(wanted: Stay, problem: type[Problem], field: str) -> None:
    with pytest.raises(problem) as caught:
        pricing.require_bookable(wanted, MORNING)
    assert caught.value.field == field


@pytest.mark.parametrize("wanted", [stay(), stay(nights=90), stay(start=date(2027, 11, 23))])
def test_today_and_a_year_from_today_can_be_booked(wanted: Stay) -> None:
    pricing.require_bookable(wanted, MORNING)


def test_today_is_a_day_in_shanghai() -> None:
    just_after_midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # the 24th there

    with pytest.raises(StartInThePast):
        pricing.require_bookable(stay(), just_after_midnight)


def test_a_stay_may_be_begun_from_the_first_day_until_noon_after_the_last_night() -> None:
    two_nights = stay(nights=2)

    assert two_nights.begins_at == datetime(2026, 11, 23, 0, 0, tzinfo=SHANGHAI)
    assert two_nights.ends_at == datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


@given(MOMENTS)
def test_the_last_day_over_agrees_with_every_stays_own_end(now: datetime) -> None:
    last = pricing.last_day_over(now)

    assert Stay(last - timedelta(days=1), last).ends_at <= now
    assert Stay(last, last + timedelta(days=1)).ends_at > now
