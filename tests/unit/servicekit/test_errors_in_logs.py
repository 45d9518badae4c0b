"""What background work, the relay and consumers log of an error quotes no row and no input."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from notification import reports
from notification.claims import Claim
from servicekit.events import Consumer, EventData
from servicekit.loop import Loop
from servicekit.relay import Relay
from servicekit.stopping import stop
from servicekit.unfinished import Ages, Unfinished

MOBILE = "13812345678"
ERROR = IntegrityError("insert into guest", {}, Exception(f"Key (mobile)=({MOBILE}) already exists."))
SHOWN = "IntegrityError: Exception"


async def failing(*_: object) -> set[int]:
    raise ERROR


class Database:
    """Fails whatever it is asked for."""

    def __init__(self) -> None:
        self.on_outbox: list[object] = []

    @asynccontextmanager
    async def _fail(self, **_: object):
        raise ERROR
        yield

    own_connection = read = _fail


async def loop() -> None:
    work = Loop(failing, name="work", every_seconds=3600)
    await cancelled_soon(work.run())


async def stopping() -> None:
    task = asyncio.create_task(failing(), name="work")
    await asyncio.wait([task])
    await stop([task])


async def relay() -> None:
    await cancelled_soon(Relay(Database(), Mock()).run())


async def unfinished() -> None:
    states = [Unfinished("guest.new", select(text("1")), timedelta(hours=1))]
    await Ages(Database(), lambda: datetime.now(UTC), states).measure()


async def events() -> None:
    consumer = Consumer(topic="a-topic", path="/events/a", data=EventData, handle=failing, handle_plain=failing)
    entry = {"entryId": "1", "event": {"specversion": "1.0", "id": "1", "source": "s", "data": {}}}
    assert await consumer.take_plain([entry], suspect=False) == set()


async def messages() -> None:
    reports.one_by_one(2, ERROR)


async def message() -> None:
    reports.unwritable(Mock(spec=Claim, order_sn="HSO1", kind="paid"), ERROR)


async def cancelled_soon(work) -> None:
    task = asyncio.create_task(work)
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("source", [loop, stopping, relay, unfinished, events, messages, message])
async def test_an_error_of_the_database_is_logged_without_the_row_it_quotes(source):
    with capture_logs() as logged:
        await source()
    [line] = logged
    assert (line.get("error") or line.get("reason")) == SHOWN
    assert MOBILE not in str(line)
