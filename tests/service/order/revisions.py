"""Databases of order at an earlier revision, for tests of migrations."""

from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from servicekit import migrate
from tests.support.postgres import PostgresServer

ORDER = (
    "insert into homestay_order (created_at, version, sn, user_id, homestay_id, homestay_business_id, homestay_user_id,"
    " title, sub_title, cover, info, people_num, sold_by, food_info, food_price_fen, homestay_price_fen,"
    " market_homestay_price_fen, live_start_date, live_end_date, live_people_num, need_food, remark, order_total_fen,"
    " food_total_fen, homestay_total_fen, trade_state, close_at, due_at, payment_sn, paid_at, checkin_code)"
    " select now(), 1, %(sn)s::varchar, 101, %(homestay)s, 3, 201, 't', '', '', '', 4, %(sold_by)s, '', 0, 100, 100,"
    " d.today + %(first)s, d.today + %(end)s, %(people)s, false, '', 100, 0, 100, %(state)s, now(), now(),"
    " case when %(state)s > 0 then %(sn)s::varchar end, case when %(state)s > 0 then now() end,"
    " case when %(state)s > 0 then %(sn)s::varchar end"
    " from (select (now() at time zone 'Asia/Shanghai')::date as today) d"
)
"""Inserts an order into the tables of revision `0001_tables`. `first` and `end` are days from today."""


def database_at(postgres: PostgresServer, name: str, revision: str) -> str:
    """The URL of a new database whose tables are those of `revision`."""
    url = postgres.create(name)
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        command.upgrade(migrate.configuration("order", connection), revision)
    return url
