"""What a night costs: the date before the weekend, the weekend before the base."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from travel.night_prices import NightOffer, night_offers, nights_between

FEN = st.integers(1, 10**9)
DAYS = st.dates(date(2026, 1, 1), date(2036, 12, 31))
FRIDAY = date(2026, 11, 27)


@dataclass(frozen=True)
class Prices:
    homestay_price_fen: int
    weekend_price_fen: int | None = None


@dataclass(frozen=True)
class Setting:
    night: date
    price_fen: int | None = None
    closed: bool = False


@pytest.mark.parametrize(
    ("days_from_friday", "price_fen"),
    [(-1, 100), (0, 150), (1, 150), (2, 100), (6, 100), (7, 150)],
    ids=["thursday", "friday", "saturday", "sunday", "next thursday", "next friday"],
)
def test_the_weekend_is_the_nights_of_friday_and_saturday(days_from_friday: int, price_fen: int) -> None:
    night = FRIDAY + timedelta(days=days_from_friday)

    offers = night_offers(Prices(100, 150), [], night, night + timedelta(days=1), blocked=())
    assert offers == [NightOffer(night, price_fen, False)]


def test_a_price_of_the_date_counts_before_the_weekend_and_a_closed_night_keeps_its_price() -> None:
    saturday, sunday = FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)
    settings = [Setting(FRIDAY, 300), Setting(saturday, closed=True), Setting(sunday, 90, closed=True)]

    assert night_offers(Prices(100, 150), settings, FRIDAY, FRIDAY + timedelta(days=4), blocked=()) == [
        NightOffer(FRIDAY, 300, False),
        NightOffer(saturday, 150, True),
        NightOffer(sunday, 90, True),
        NightOffer(FRIDAY + timedelta(days=3), 100, False),
    ]


@given(start=DAYS, nights=st.integers(-5, 90), base=FEN, weekend=st.none() | FEN, data=st.data())
def test_each_night_has_one_offer_by_the_rule(
    start: date, nights: int, base: int, weekend: int | None, data: st.DataObject
) -> None:
    end = start + timedelta(days=nights)
    around = st.integers(-3, 93).map(lambda day: start + timedelta(days=day))
    settings = data.draw(
        st.lists(st.builds(Setting, around, st.none() | FEN, st.booleans()), unique_by=lambda each: each.night)
    )

    offers = night_offers(Prices(base, weekend), settings, start, end, blocked=())

    assert [offer.night for offer in offers] == nights_between(start, end)
    assert len(offers) == max(nights, 0)
    set_for = {each.night: each for each in settings}
    for offer in offers:
        of_date = set_for.get(offer.night, Setting(offer.night))
        of_week = weekend if offer.night.isoweekday() in {5, 6} and weekend is not None else base
        assert offer.price_fen == (of_week if of_date.price_fen is None else of_date.price_fen)
        assert offer.closed == of_date.closed


def test_a_night_that_is_blocked_is_closed_and_keeps_its_price():
    end, settings = FRIDAY + timedelta(days=3), [Setting(FRIDAY, closed=True)]
    offers = night_offers(Prices(100, 150), settings, FRIDAY, end, blocked={FRIDAY, FRIDAY + timedelta(days=2)})
    assert [(each.price_fen, each.closed) for each in offers] == [(150, True), (150, False), (100, True)]
