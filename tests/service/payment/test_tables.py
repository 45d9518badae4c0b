"""Payment's tables are what the models say."""

import asyncio

from servicekit import migrate


async def test_the_migrations_make_what_the_models_say(database_url):
    await asyncio.to_thread(migrate.check, "payment", database_url)
