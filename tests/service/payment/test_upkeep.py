"""Payment's tables: made by the migrations as the models say, and freed of what is old."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from servicekit import migrate
from servicekit.clock import utc_now
from servicekit.idempotency import Idempotency
from servicekit.upkeep import old_events
from tests.service.payment.test_callback import rows


async def test_the_migrations_make_what_the_models_say(database_url):
    await asyncio.to_thread(migrate.check, "payment", database_url)


async def test_old_events_and_keys_are_forgotten_and_young_ones_stay(db):
    async with db.transaction() as tx:
        for age in (29, 31):
            await tx.execute(
                text(
                    "insert into inbox values ('minsu/order', cast(:age as text), now() - make_interval(days => :age))"
                ),
                {"age": age},
            )
        for hours in (23, 25):
            await tx.execute(
                text("insert into idempotency_key values ('1:/x', :key, '', null, :claimed)"),
                {"key": str(hours), "claimed": utc_now() - timedelta(hours=hours)},
            )

    await old_events(db)()
    await Idempotency(db, utc_now).prune()

    assert [row["event_id"] for row in await rows(db, "inbox")] == ["29"]
    assert [row["key"] for row in await rows(db, "idempotency_key")] == ["23"]
