"""What time does by itself, and what the tables refuse by themselves."""

from datetime import timedelta

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, text

from order.models import Base
from order.parts import Parts
from order.settings import Settings
from servicekit import acts, deadletters, idempotency, inbox, outbox, replicas
from servicekit.testing import APP_TOKEN
from tests.service.order.support import Order
from tests.support.postgres import as_owner

EXPIRE = "/jobs/order-expire-stays"


async def test_stays_without_a_check_in_expire_at_noon_after_the_last_night(order: Order) -> None:
    short, _ = await order.paid(nights=1)
    long, _ = await order.paid(nights=2)
    unpaid = await order.create()
    order.clock.pass_by(days=1, hours=2, minutes=29)  # 11:59 in Shanghai

    assert (await order.inside(EXPIRE)).json() == {"claimed": 0}
    order.clock.pass_by(minutes=1)
    assert (await order.inside(EXPIRE)).json() == {"claimed": 1}
    assert (await order.inside(EXPIRE)).json() == {"claimed": 0}

    assert order.states(short) == [(1, None, 0), (2, 0, 1), (3, 1, 4)]
    assert [order.row(sn)["trade_state"] for sn in (long, unpaid)] == [1, 0]
    assert order.facts("order-update-tradestate-topic")[-1]["tradeState"] == 4


async def test_a_stay_with_an_open_refund_does_not_expire(order: Order) -> None:
    sn, _ = await order.paid()
    await order.post("/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": ""})
    order.clock.pass_by(days=3)

    assert (await order.inside(EXPIRE)).json() == {"claimed": 0}
    assert order.row(sn)["trade_state"] == 1


async def test_old_wrong_codes_are_forgotten(order: Order, order_database: str) -> None:
    await order.create()
    await order.merchant("/verifyTradeCode", {"tradeCode": "33333333"})
    order.clock.pass_by(days=8)
    settings = Settings(APP_API_TOKEN=APP_TOKEN, database_url=order_database)
    parts = Parts.of(settings, clock=order.clock, sidecar=order.peers)

    await parts.expiry.delete_misses()

    await parts.db.close()
    assert order.rows("select id from checkin_miss") == []
    assert len(order.rows("select id from homestay_order")) == 1


async def test_transitions_can_only_be_added(order: Order, sql: psycopg.Connection) -> None:
    await order.create()

    for statement in ("update order_transition set to_state = 4", "delete from order_transition"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            sql.execute(statement)


async def test_two_valid_orders_cannot_have_one_code(order: Order, sql: psycopg.Connection) -> None:
    first, _ = await order.paid()
    second, _ = await order.paid()

    with pytest.raises(psycopg.errors.UniqueViolation):
        sql.execute(
            "update homestay_order set checkin_code = %s where sn = %s", (order.row(first)["checkin_code"], second)
        )


async def test_the_tables_refuse_a_total_that_does_not_add_up(order: Order, sql: psycopg.Connection) -> None:
    await order.create()

    with pytest.raises(psycopg.errors.CheckViolation):
        sql.execute("update homestay_order set order_total_fen = order_total_fen + 1")


def test_the_migrations_make_what_the_models_say(order_database: str) -> None:
    shared = (acts, outbox, inbox, deadletters, idempotency, replicas)
    ours = [Base.metadata, *(each.metadata for each in shared)]
    engine = create_engine(
        as_owner(order_database).replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        context.opts["target_metadata"] = ours
        assert compare_metadata(context, ours) == []
        found = set(connection.scalars(text("select conname from pg_constraint where starts_with(conname, 'ck_')")))
    expected = {
        str(constraint.name)
        for metadata in ours
        for table in metadata.tables.values()
        for constraint in table.constraints
        if str(constraint.name).startswith("ck_")
    }
    assert found == expected


async def test_an_order_lives_a_year_ahead_at_the_most(order: Order) -> None:
    sn = await order.create(days=365)

    assert order.row(sn)["live_start_date"] == (order.clock() + timedelta(days=365)).date()
