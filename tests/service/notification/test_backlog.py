"""Fresh first: a purchase of this moment does not wait behind older messages, and these do not starve."""

import asyncio
import json
import re
from datetime import timedelta

import httpx
import psycopg
import pytest
from sqlalchemy import event

from notification.repository import ClaimOrder, claim
from servicekit.db import Database
from tests.service.notification.conftest import SN, Service, World
from tests.service.notification.wechat import OPENID, PAID, FakeWechat

BACKLOG = 2000
FRESH = "HSO2026112309302788888888"
FILL = """
insert into notification_task (order_sn, kind, due_at, give_up_at, attempts, tries)
select 'HSO20261123093026' || lpad(n::text, 8, '0'), 'paid', %s - interval '1 hour' + n * interval '1 millisecond',
  %s + interval '1 day', %s, %s from generate_series(1, %s) n
"""


def fill(service: Service, *, attempts: int, count: int = BACKLOG) -> None:
    now = service.clock.now
    service.execute(FILL, now, now, attempts, attempts, count)


class SlowWechat:
    """Every message is answered only when the test lets it; `begun` are the orders whose message is under way."""

    def __init__(self, wechat: FakeWechat) -> None:
        self.begun: list[str] = []
        self.changed = asyncio.Condition()
        self._places = asyncio.Semaphore(0)
        self._send = wechat.send
        wechat.send = self  # type: ignore[method-assign]  # stands where the answer is made

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        async with self.changed:
            self.begun.append(_order_of(request))
            self.changed.notify_all()
        await self._places.acquire()
        return await self._send(request)

    async def until_begun(self, count: int, *orders: str) -> None:
        """Until `count` messages have begun, among them those of `orders`."""
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: len(self.begun) >= count and set(orders) <= set(self.begun))

    def let(self, count: int) -> None:
        for _ in range(count):
            self._places.release()


def _order_of(request: httpx.Request) -> str:
    data = json.loads(request.content)["data"]
    return str(data["character_string6"]["value"]) if "character_string6" in data else "before arrival"


@pytest.mark.parametrize("attempts", [1, 0], ids=["of retries", "never tried"])
async def test_a_purchase_beside_a_backlog_gets_both_its_messages_at_once(world: World, attempts: int) -> None:
    """All places of both kinds are taken by slow answers at first. Of what was never tried, one answer frees the place."""
    world.wechat.quota[OPENID, PAID] = 10_000
    service = await world.start(parallel=8, parallel_retries=8)
    fill(service, attempts=attempts)
    slow = SlowWechat(world.wechat)
    await service.courier.start_due()
    under_way = 8 if attempts else 16
    await slow.until_begun(under_way)

    assert await service.hears(1, sn=FRESH, settle=False) == "SUCCESS"
    if not attempts:
        slow.let(16)

    await slow.until_begun(under_way + 2, FRESH, "before arrival")
    assert len(slow.begun) <= under_way + 16  # of 2,000 that waited, none but those whose places came free
    slow.let(BACKLOG + 2)


async def test_a_backlog_goes_on_while_fresh_messages_keep_coming(world: World) -> None:
    """Each worker has places of its own: retries get theirs whatever comes, and the oldest fresh one is among them."""
    world.wechat.quota[OPENID, PAID] = 10_000
    service = await world.start(parallel=2, parallel_retries=1)
    fill(service, attempts=1, count=3)
    oldest = [f"HSO20261123093026{number:08d}" for number in (1, 2, 3)]
    slow = SlowWechat(world.wechat)
    service.plan(*(f"HSO20261123093028{number:08d}" for number in range(50)))
    await service.courier.start_due()
    await slow.until_begun(3)
    for turn in range(2):
        slow.let(3)
        await slow.until_begun(6 + 3 * turn)
    assert sorted(set(slow.begun) & set(oldest)) == oldest
    slow.let(100)


async def test_the_newest_fresh_one_is_first_and_the_longest_due_one_is_first_among_all(world: World) -> None:
    service = await world.start()
    fill(service, attempts=1, count=3)
    service.plan(SN, FRESH)
    db, now = Database(world.database_url), world.clock.now

    async def taken(turn: ClaimOrder) -> list[str]:
        async with db.transaction() as tx:
            return [row["order_sn"] for row in await claim(tx, turn, now=now, lease=timedelta(), limit=1)]

    assert [await taken(ClaimOrder.FRESH), await taken(ClaimOrder.LONGEST_DUE)] == [
        [FRESH],
        ["HSO2026112309302600000001"],
    ]
    await db.close()


async def test_replicas_with_both_workers_never_meet_on_a_row(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 10_000
    replicas = [await world.start(parallel=3, parallel_retries=3) for _ in range(3)]
    fill(replicas[0], attempts=1, count=20)
    replicas[0].plan(*(f"HSO20261123093028{number:08d}" for number in range(20)))
    while any(await asyncio.gather(*(each.tick() for each in [*replicas, *replicas]))):
        pass
    told = [sent["data"]["character_string6"]["value"] for sent in world.wechat.sends]
    assert len(told) == len(set(told)) == 40
    attempts = replicas[0].rows("select attempts, count(*) as n from notification_task group by 1 order by 1")
    assert [(row["attempts"], row["n"]) for row in attempts] == [(1, 20), (2, 20)]


@pytest.mark.parametrize(
    ("turn", "index"),
    [(ClaimOrder.FRESH, "ix_notification_task_fresh"), (ClaimOrder.LONGEST_DUE, "ix_notification_task_due")],
)
async def test_among_many_rows_an_index_serves_the_claim(world: World, turn: ClaimOrder, index: str) -> None:
    service = await world.start()
    fill(service, attempts=1, count=20_000)
    service.execute("update notification_task set state = 'sent', sent_at = now() where id %% 2 = 0")
    service.plan(*(f"HSO20261123093028{number:08d}" for number in range(500)))
    service.execute("analyze notification_task")
    db, now, asked = Database(world.database_url), world.clock.now, []

    event.listen(
        db.engine.sync_engine,
        "before_cursor_execute",
        lambda *call: asked.append((call[2], call[3])),
    )
    async with db.transaction() as tx:
        await claim(tx, turn, now=now, lease=timedelta(), limit=8)
    await db.close()
    [(statement, parameters)] = [call for call in asked if "SKIP LOCKED" in call[0]]
    plan = explained(world.database_url, statement, parameters)
    assert f"using {index} on notification_task" in plan
    assert "Seq Scan on notification_task" not in plan
    assert "Sort" not in plan


def explained(url: str, statement: str, parameters: tuple[object, ...]) -> str:
    """The plan of a statement as asyncpg was given it: `$1::TYPE`."""
    values = dict(enumerate(parameters, start=1))
    with psycopg.connect(url) as connection:
        literal = re.sub(
            r"\$(\d+)(::\w+( WITH TIME ZONE)?)?",
            lambda match: psycopg.sql.Literal(values[int(match[1])]).as_string(connection),
            statement,
        )
        rows = connection.execute(f"explain {literal}".encode()).fetchall()
    return "\n".join(row[0] for row in rows)
