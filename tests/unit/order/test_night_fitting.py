"""Orders that want nights at the same time: the earlier one first, each all of its nights or none."""

from datetime import date

from order.night_fitting import Held, Nights, Taken, WantedNights

ROOM, BED = 0, 1
MON, TUE, WED = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)


def wanted(*nights: date, units: int = 1, stock: int = 2, sold_by: int = ROOM, homestay_id: int = 7) -> WantedNights:
    return WantedNights(homestay_id=homestay_id, nights=nights, units=units, stock=stock, sold_by=sold_by)


def test_nights_without_a_row_are_free():
    nights = Nights({})
    assert nights.take(wanted(MON, TUE)) is None
    assert nights.taken() == [Taken(7, MON, 1, 2, ROOM), Taken(7, TUE, 1, 2, ROOM)]


def test_the_earlier_one_gets_the_last_unit_and_the_first_full_date_is_named():
    nights = Nights({(7, TUE): Held(1, 2, ROOM)})
    assert nights.take(wanted(TUE)) is None
    assert nights.take(wanted(MON, TUE, WED)) == TUE
    assert nights.taken() == [Taken(7, TUE, 1, 2, ROOM)]


def test_who_is_refused_takes_nothing_from_the_next():
    nights = Nights({(7, TUE): Held(2, 2, ROOM)})
    assert nights.take(wanted(MON, TUE, stock=2, units=2)) == TUE
    assert nights.take(wanted(MON, units=2)) is None


def test_what_is_taken_of_a_night_is_summed_with_the_newest_stock():
    nights = Nights({})
    assert nights.take(wanted(MON, stock=5)) is None
    assert nights.take(wanted(MON, stock=2)) is None
    assert nights.take(wanted(MON, stock=2)) == MON
    assert nights.taken() == [Taken(7, MON, 2, 2, ROOM)]


def test_more_than_the_stock_is_never_free():
    assert Nights({}).take(wanted(MON, units=3)) == MON
    assert Nights({}).take(wanted(MON, stock=0)) == MON


def test_a_night_is_sold_by_one_unit_until_nothing_of_it_is_taken():
    held = Nights({(7, MON): Held(1, 5, ROOM), (7, TUE): Held(0, 5, ROOM)})
    assert held.take(wanted(MON, stock=5, sold_by=BED)) == MON
    assert held.take(wanted(TUE, stock=5, sold_by=BED)) is None
    assert held.take(wanted(TUE, stock=5, sold_by=ROOM)) == TUE
    assert held.taken() == [Taken(7, TUE, 1, 5, BED)]


def test_homestays_have_nights_of_their_own():
    nights = Nights({(7, MON): Held(2, 2, ROOM)})
    assert nights.take(wanted(MON, homestay_id=8)) is None
    assert nights.take(wanted(MON)) == MON
