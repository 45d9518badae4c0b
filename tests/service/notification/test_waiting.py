"""How long a message that is due has not been tried."""

from datetime import timedelta

from prometheus_client import REGISTRY

from notification.waiting import UNFINISHED
from servicekit.db import Database
from servicekit.unfinished import Ages


async def test_the_age_counts_from_the_moment_it_was_due(service):
    database = Database(service.database_url)
    ages = Ages(database, service.clock, UNFINISHED)

    async def measured():
        await ages.measure()
        return REGISTRY.get_sample_value("unfinished_oldest_seconds", {"state": "notification_task.pending"})

    assert await measured() == 0
    service.plan("HSO2026112309302612345678", "HSO2026112309302612345679")
    assert await measured() == 0
    service.clock.now += timedelta(seconds=90)
    assert await measured() == 90
    await database.close()
