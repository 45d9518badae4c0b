"""What a stay costs, and when it may be booked."""

from dataclasses import dataclass
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
    TooManyPeople,
)
from order.pricing import BY_PERSON, BY_ROOM, Price, Stay
from servicekit.clock import SHANGHAI, from_unix
from servicekit.errors import Problem

MOMENTS = st.integers(1_767_225_600, 1_798_761_600).map(from_unix)  # any second of 2026
MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=SHANGHAI)


@dataclass
class Offer:
    on_sale: bool = True
    people_num: int = 4
    sold_by: int = BY_ROOM
    homestay_price_fen: int = 19900
    food_price_fen: int = 2500


def stay(nights: int = 1, start: date = date(2026, 11, 23)) -> Stay:
    return Stay(start, start + timedelta(days=nights))


@pytest.mark.parametrize(
    ("offer", "nights", "people", "food", "expected"),
    [
        (Offer(), 1, 1, False, Price(19900, 0)),
        (Offer(), 3, 2, False, Price(59700, 0)),
        (Offer(), 3, 2, True, Price(59700, 15000)),
        (Offer(sold_by=BY_PERSON), 3, 2, False, Price(119400, 0)),
        (Offer(sold_by=BY_PERSON), 2, 4, True, Price(159200, 20000)),
        (Offer(food_price_fen=0), 2, 4, True, Price(39800, 0)),
    ],
)
def test_the_price_is_by_room_or_by_person_and_food_by_person(
    offer: Offer, nights: int, people: int, food: bool, expected: Price
) -> None:
    assert pricing.quote(offer, stay(nights), people=people, food=food) == expected


@pytest.mark.parametrize("people", [-1, 0, 5])
def test_people_are_within_the_homestays_limit(people: int) -> None:
    with pytest.raises(TooManyPeople):
        pricing.quote(Offer(), stay(), people=people, food=False)


def test_what_is_off_sale_has_no_price() -> None:
    with pytest.raises(NotOnSale):
        pricing.quote(Offer(on_sale=False), stay(), people=1, food=False)


@pytest.mark.parametrize("price_fen", [0, 2**31, 2**53])
def test_a_total_that_cannot_be_paid_is_refused(price_fen: int) -> None:
    with pytest.raises(PriceOutOfRange):
        pricing.quote(Offer(homestay_price_fen=price_fen), stay(), people=1, food=False)


@given(
    nights=st.integers(1, pricing.MOST_NIGHTS),
    people=st.integers(1, 4),
    price=st.integers(1, 100_000),
    food_price=st.integers(0, 10_000),
    sold_by=st.sampled_from([BY_ROOM, BY_PERSON]),
)
def test_a_longer_stay_costs_its_parts(nights: int, people: int, price: int, food_price: int, sold_by: int) -> None:
    offer = Offer(sold_by=sold_by, homestay_price_fen=price, food_price_fen=food_price)
    whole = pricing.quote(offer, stay(nights), people=people, food=True)
    one = pricing.quote(offer, stay(1), people=people, food=True)

    assert whole == Price(one.homestay_fen * nights, one.food_fen * nights)
    assert whole.total_fen == whole.homestay_fen + whole.food_fen
    assert whole.total_fen >= nights * price


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
