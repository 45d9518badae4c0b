"""A replica goes under load: its app is told first, then its sidecar."""

import asyncio
import itertools
import time

import pytest

from tests.deploy.mesh.load import ask_to_stop, ended, pid, under_load
from tests.support import buyers
from tests.support.rooms import ROOMY

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("restored")]


def booking(system):
    """By many buyers in turn: how many orders a second are made must not decide whether one buyer has too many unpaid."""
    bearers = itertools.cycle({"Authorization": f"Bearer {token}"} for token in buyers.tokens(system, 100))

    async def ask(http):
        day = int(time.time())
        body = {
            "homestayId": ROOMY, "isFood": False, "liveStartTime": day, "liveEndTime": day + 86400,
            "livePeopleNum": 1, "remark": "",
        }  # fmt: skip
        return await http.post("/order/v1/homestayOrder/createHomestayOrder", json=body, headers=next(bearers))

    return ask


async def looking(http):
    return await http.post("/travel/v1/homestay/homestayDetail", json={"id": 1})


def script(system, part, *, before=1.5, after=2.0, enough=0):
    """SIGTERM to the app, half a second later to its sidecar, until both are gone, `after` seconds are over and more than
    `enough` requests have begun since the first signal."""
    times = {}

    async def run(load):
        app, sidecar = pid(system, part), pid(system, f"{part}-daprd")
        await asyncio.sleep(before)
        times["app"] = ask_to_stop(system, part)
        await asyncio.sleep(0.5)
        times["sidecar"] = ask_to_stop(system, f"{part}-daprd")
        times["sidecar gone"] = await ended(sidecar)
        times["app gone"] = await ended(app)
        await asyncio.sleep(after)
        while sum(one.began > times["app"] for one in load.answers) <= enough:
            await asyncio.sleep(0.1)

    return run, times


async def test_one_of_two_replicas_stops_and_no_request_fails(system):
    orders_before = system.rows("order", "select count(*) as n from homestay_order")[0]["n"]
    run, times = script(system, "order-2", enough=100)

    load = await under_load(system, booking(system), run)

    assert load.failures() == []
    assert len([one for one in load.answers if one.began > times["app"]]) > 100
    assert times["app gone"] > times["sidecar gone"], "the app outlives its sidecar"
    made = system.rows("order", "select count(*) as n from homestay_order")[0]["n"] - orders_before
    assert made == len(load.answers), "each answer is one order"


async def test_the_only_replica_goes_accepted_ones_complete_and_new_ones_get_503(system):
    run, times = script(system, "travel")

    load = await under_load(system, looking, run)

    assert set(load.counts()) == {200, 503}, load.failures()[:3]
    assert all(one.status == 200 for one in load.answers if one.began < times["sidecar"])
    late = [one for one in load.answers if one.began > times["sidecar gone"]]
    assert {one.status for one in late} == {503}
    assert all(int(one.retry_after) >= 1 for one in load.failures())
