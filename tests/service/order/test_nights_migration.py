"""The revision that brings the nights takes over the open orders, and lists the nights that were sold too often."""

import psycopg
import pytest
from psycopg.rows import dict_row

from servicekit import migrate
from tests.service.order.revisions import ORDER, database_at

TODAY = "(now() at time zone 'Asia/Shanghai')::date"
NIGHTS = f"select homestay_id, night - {TODAY} as day, taken, stock from homestay_night order by 1, 2"  # noqa: S608
HELD = f"select sn, night - {TODAY} as day, units from order_night join homestay_order on id = order_id order by 1, 2"  # noqa: S608


@pytest.fixture
def before(postgres, request):
    """A database of the revision before, and a function that puts an order into it."""
    url = database_at(postgres, request.node.name[:50], "0001_tables")

    def order(sn, first, end, *, homestay=7, state=1, sold_by=0, people=1):
        values = {"sn": sn, "first": first, "end": end, "homestay": homestay, "state": state}
        with psycopg.connect(url) as connection:
            connection.execute(ORDER, values | {"sold_by": sold_by, "people": people})

    return url, order


def rows(url, query):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return [tuple(row.values()) for row in connection.execute(query).fetchall()]


def test_open_orders_hold_their_nights_and_ended_ones_none(before, capfd):
    url, order = before
    order("A", 0, 2, state=0)
    order("B", 2, 3, state=1)
    order("C", -1, 1, homestay=8, state=2)
    for sn, state in (("D", -1), ("E", 3), ("F", 4)):
        order(sn, 0, 2, state=state)
    order("G", -3, 0)  # left today
    order("H", 0, 1, homestay=9, sold_by=1, people=3)

    migrate.upgrade("order", url)

    assert rows(url, HELD) == [
        ("A", 0, 1), ("A", 1, 1), ("B", 2, 1), ("C", -1, 1), ("C", 0, 1), ("H", 0, 3),
    ]  # fmt: skip
    assert rows(url, NIGHTS) == [
        (7, 0, 1, 1), (7, 1, 1, 1), (7, 2, 1, 1), (8, -1, 1, 1), (8, 0, 1, 1), (9, 0, 3, 4),
    ]  # fmt: skip
    assert capfd.readouterr().err == ""


def test_nights_that_were_sold_too_often_are_taken_over_as_they_are_and_listed(before, capfd):
    url, order = before
    order("A", 1, 3, state=0)
    order("B", 2, 4)
    order("C", 2, 3, state=-1)
    order("D", 5, 6, homestay=9, sold_by=1, people=3)
    order("E", 5, 6, homestay=9, sold_by=1, people=2)

    migrate.upgrade("order", url)

    assert rows(url, NIGHTS) == [(7, 1, 1, 1), (7, 2, 2, 2), (7, 3, 1, 1), (9, 5, 5, 5)]
    said = capfd.readouterr().err.splitlines()
    [[second], [fifth]] = (rows(url, f"select ({TODAY} + {day})::text") for day in (2, 5))
    assert said[0].startswith("order: 2 nights were sold more often")
    assert said[1:] == [
        f"order: homestay 7, night of {second[0]}: A, B",
        f"order: homestay 9, night of {fifth[0]}: D, E",
    ]
    with pytest.raises(psycopg.errors.CheckViolation):
        rows(url, "update homestay_night set taken = taken + 1 returning taken")
