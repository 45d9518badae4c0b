from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from travel.models import Homestay, HomestayBusiness
from travel.repository import Rating
from travel.schemas import HomestayOut, HomestaySnapshot, Stars, average
from travel.seed import seed_rows

FEN = st.integers(1, 10**11)
STAR = st.integers(1, 5)


def homestay(**changes: object) -> Homestay:
    fields = {
        "id": 1, "title": "t", "sub_title": "s", "banner": "", "info": "i", "people_num": 2, "homestay_business_id": 1,
        "user_id": 2, "row_state": 1, "sold_by": 0, "stock": 1, "food_info": "", "food_price_fen": 0,
        "homestay_price_fen": 1, "market_homestay_price_fen": 0, "weekend_price_fen": None, "city": "", "min_nights": 1,
        "max_nights": 90, "days_ahead": 365, "cancel_policy": "flexible",
    }  # fmt: skip
    return Homestay(**(fields | changes))


@given(FEN, FEN, FEN)
def test_yuan_outside_are_exactly_the_fen_inside(food, price, market):
    out = HomestayOut.of(
        homestay(food_price_fen=food, homestay_price_fen=price, market_homestay_price_fen=market), Rating(), []
    ).model_dump(by_alias=True)
    for name, fen in (("foodPrice", food), ("homestayPrice", price), ("marketHomestayPrice", market)):
        assert Decimal(str(out[name])) * 100 == fen


@given(st.lists(st.from_regex(r"/[a-z]{1,8}\.svg", fullmatch=True), max_size=5))
def test_the_cover_is_the_first_picture_or_none(pictures):
    snapshot = HomestaySnapshot.of(homestay(banner=",".join(pictures)), [], on_sale=True)
    assert snapshot.cover == (pictures[0] if pictures else "")


@given(STAR, STAR, STAR, STAR)
def test_the_average_of_stars_is_exact(tidiness, traffic, hospitality, value):
    stars = Stars(tidiness=tidiness, traffic=traffic, hospitality=hospitality, value=value)
    assert average(stars) * 4 == tidiness + traffic + hospitality + value
    assert 1 <= average(stars) <= 5


def test_the_seed_holds_what_the_demo_needs():
    rows = seed_rows()
    homestays = {each["id"]: each for each in rows[Homestay]}
    shops = rows[HomestayBusiness]
    assert [shop["user_id"] for shop in shops] == [2, 4, 5, 6]
    assert [each["id"] for each in homestays.values() if each["user_id"] == 2] == [1, 2, 5, 7, 8, 9, 10, 11]
    assert [each["id"] for each in homestays.values() if each["homestay_price_fen"] == 100] == [9]
    assert [each["id"] for each in homestays.values() if each["row_state"] == 0] == [12]
    assert [each["id"] for each in homestays.values() if each["sold_by"] == 1] == [7, 10]
    assert {number: each["stock"] for number, each in homestays.items() if each["stock"] != 1} == {7: 4, 9: 9999, 10: 4}
    assert [each["id"] for each in homestays.values() if each["food_price_fen"] == 0] == [8]
    assert all(bool(each["food_info"]) == (each["food_price_fen"] > 0) for each in homestays.values())
    assert all(each["homestay_price_fen"] < each["market_homestay_price_fen"] for each in homestays.values())
    assert all(1 <= len(each["title"]) <= 32 for each in [*homestays.values(), *shops])
