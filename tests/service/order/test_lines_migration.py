"""Orders from before the lines get them from their totals, to the fen."""

import psycopg
import pytest
from psycopg.rows import dict_row

from servicekit import migrate
from tests.service.order.revisions import database_at

ORDER = (
    "insert into homestay_order (created_at, version, sn, user_id, homestay_id, homestay_business_id, homestay_user_id,"
    " title, sub_title, cover, info, people_num, sold_by, food_info, food_price_fen, homestay_price_fen,"
    " market_homestay_price_fen, live_start_date, live_end_date, live_people_num, need_food, remark, order_total_fen,"
    " food_total_fen, homestay_total_fen, trade_state, close_at, due_at)"
    " values (now(), 1, %(sn)s, 101, 7, 3, 201, 't', '', '', '', 4, 0, '', 0, 100, 100, '2026-02-27',"
    " date '2026-02-27' + %(nights)s, 1, false, '', %(room)s + %(food)s, %(food)s, %(room)s, 0, now(), now())"
)


@pytest.fixture
def url(postgres, request) -> str:
    return database_at(postgres, request.node.name[:50], "0002_nights")


def test_each_night_gets_its_share_and_the_sums_are_the_totals(url):
    with psycopg.connect(url) as connection:
        connection.execute(ORDER, {"sn": "A", "nights": 2, "room": 39800, "food": 5000})
        connection.execute(ORDER, {"sn": "B", "nights": 3, "room": 101, "food": 0})
        connection.execute(ORDER, {"sn": "C", "nights": 90, "room": 2**31 - 2, "food": 1})
        [before] = connection.execute("select array_agg(updated_at order by sn) from homestay_order").fetchone()

    migrate.upgrade("order", url)

    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute("select * from homestay_order order by sn").fetchall()
    assert rows[0]["lines"] == [
        {"night": "2026-02-27", "homestayFen": 19900, "foodFen": 2500},
        {"night": "2026-02-28", "homestayFen": 19900, "foodFen": 2500},
    ]
    assert rows[1]["lines"] == [
        {"night": "2026-02-27", "homestayFen": 34, "foodFen": 0},
        {"night": "2026-02-28", "homestayFen": 34, "foodFen": 0},
        {"night": "2026-03-01", "homestayFen": 33, "foodFen": 0},
    ]
    assert len(rows[2]["lines"]) == 90
    for row in rows:
        assert sum(line["homestayFen"] for line in row["lines"]) == row["homestay_total_fen"]
        assert sum(line["foodFen"] for line in row["lines"]) == row["food_total_fen"]
    assert [row["updated_at"] for row in rows] == before


def test_lines_are_one_for_each_night_or_none(url):
    migrate.upgrade("order", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ORDER, {"sn": "A", "nights": 2, "room": 100, "food": 0})  # by the build before
        assert connection.execute("select lines from homestay_order").fetchone() == ([],)
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("""update homestay_order set lines = '[{"night": "2026-02-27"}]'""")
