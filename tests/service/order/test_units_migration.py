"""The revision that keeps the unit of a taken night fills it from the orders that hold the night."""

import psycopg
from alembic import command
from psycopg.rows import dict_row
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from servicekit import migrate
from tests.service.order.revisions import ORDER, database_at

FREED = "update homestay_night set taken = 0 where homestay_id = 10; delete from order_night where units = 2"
UNITS = "select homestay_id, taken, sold_by from homestay_night order by homestay_id"
SLOTS = "select unpaid_slot from homestay_order where unpaid_slot is not null"


def test_taken_nights_keep_the_unit_of_their_orders(postgres):
    url = database_at(postgres, "minsu_order_units", "0001_tables")
    with psycopg.connect(url) as connection:
        for sn, homestay, sold_by, people in (
            ("A", 7, 0, 3), ("B", 8, 1, 3), ("C", 9, 1, 4), ("D", 9, 0, 1), ("E", 10, 1, 2),
        ):  # fmt: skip
            given = {"sn": sn, "homestay": homestay, "sold_by": sold_by, "people": people}
            connection.execute(ORDER, given | {"first": 1, "end": 2, "state": 0})
    _upgrade(url, "0006_partial_refunds")
    with psycopg.connect(url) as connection:
        connection.execute(FREED)

    migrate.upgrade("order", url)

    with psycopg.connect(url, row_factory=dict_row) as connection:
        found = [tuple(row.values()) for row in connection.execute(UNITS).fetchall()]
        assert connection.execute(SLOTS).fetchall() == []
    assert found == [(7, 1, 0), (8, 3, 1), (9, 5, 0), (10, 0, 0)]  # 9 was sold by both: as rooms


def _upgrade(url, revision):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        command.upgrade(migrate.configuration("order", connection), revision)
