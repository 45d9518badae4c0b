"""Many buyers at once, through the gateway, for one night (`make nights-test`: a thousand): as many orders as there are
rooms, and clear refusals."""

import asyncio
import os
import sys
from collections import Counter
from random import Random

import httpx
import pytest

from tests.support import buyers

pytestmark = pytest.mark.stack
CREATE = "/order/v1/homestayOrder/createHomestayOrder"
ONE_ROOM, THREE_ROOMS, BUYERS = 998, 999, int(os.environ.get("MINSU_BUYERS", "200"))
NIGHT_FULL, IN_FLIGHT = 103034, 100111
NIGHTS = (
    "select n.night, n.taken, n.stock, (select sum(units) from order_night h join homestay_order o on o.id = h.order_id"
    " where o.homestay_id = n.homestay_id and h.night = n.night) as held"
    " from homestay_night n where n.homestay_id = %s order by n.night"
)
HOMESTAY = (
    "insert into homestay select (jsonb_populate_record(h, jsonb_build_object('id', %s::int, 'stock', %s::int))).*"
    " from homestay h where id = 1 on conflict do nothing"
)


@pytest.fixture
def tokens(system):
    return buyers.tokens(system, BUYERS)


async def rush(system, tokens, bodies):
    """Every buyer at once. One who is told that the system is at capacity, or that the first request still runs, asks again
    as told, under the same key. Returns the responses that they end with, and how often each status came at all."""
    seen = Counter()
    limits = httpx.Limits(max_connections=BUYERS, max_keepalive_connections=BUYERS)
    async with httpx.AsyncClient(base_url=system.environment["GATEWAY_URL"], timeout=60, limits=limits) as http:

        async def buyer(number, token, body):
            dice = Random(number)  # noqa: S311 - pauses of a test
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"rush-{body['homestayId']}-{number}"}
            while True:
                response = await http.post(CREATE, json=body, headers=headers)
                seen[response.status_code] += 1
                if response.status_code != 503 and code(response) != IN_FLIGHT:
                    return response
                assert response.headers["retry-after"] == "1"
                await asyncio.sleep(dice.uniform(0.5, 2))

        pairs = enumerate(zip(tokens, bodies, strict=True))
        return await asyncio.gather(*(buyer(number, token, body) for number, (token, body) in pairs)), seen


def code(response):
    return response.json().get("code")


def outcome(responses):
    """Counts by status, and by code of what was refused."""
    return Counter((each.status_code, None if each.is_success else code(each)) for each in responses)


async def test_of_many_buyers_of_one_night_one_gets_it(system, tokens):
    system.rows("travel", HOMESTAY, ONE_ROOM, 1)
    body = system.stay(days=40) | {"homestayId": ONE_ROOM}

    responses, seen = await rush(system, tokens, [body] * BUYERS)

    sys.stdout.write(f"statuses: {dict(seen)}, orders and refusals: {dict(outcome(responses))}\n")
    assert outcome(responses) == {(200, None): 1, (409, NIGHT_FULL): BUYERS - 1}
    assert {each.json()["field"] for each in responses if not each.is_success} == {"liveStartTime"}
    [night] = system.rows("order", NIGHTS, ONE_ROOM)
    assert (night["taken"], night["stock"], night["held"]) == (1, 1, 1)
    assert {each.json()["night"] for each in responses if not each.is_success} == {night["night"].isoformat()}
    assert len(system.rows("order", "select sn from homestay_order where homestay_id = %s", ONE_ROOM)) == 1


async def test_three_rooms_and_overlapping_stays_are_never_sold_beyond_three(system, tokens):
    system.rows("travel", HOMESTAY, THREE_ROOMS, 3)
    dice = Random(12)  # noqa: S311 - the same stays in every run
    stays = [system.stay(days=dice.randrange(40, 60), nights=dice.randint(1, 5)) for _ in range(BUYERS)]

    responses, seen = await rush(system, tokens, [body | {"homestayId": THREE_ROOMS} for body in stays])

    sys.stdout.write(f"statuses: {dict(seen)}, orders and refusals: {dict(outcome(responses))}\n")
    counts = outcome(responses)
    assert counts.keys() == {(200, None), (409, NIGHT_FULL)}
    nights = system.rows("order", NIGHTS, THREE_ROOMS)
    assert [night["taken"] for night in nights] == [night["held"] for night in nights]
    assert {night["taken"] for night in nights} <= {1, 2, 3}
    assert counts[200, None] == len(system.rows("order", "select sn from homestay_order where homestay_id = 999"))
