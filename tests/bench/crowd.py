"""Ten thousand guests within a minute who want some of one host's thirty nights: how many are served, refused and told to
come back, how long they wait, and that no night is sold twice."""

import json
from random import Random
from uuid import uuid4

from tests.bench import client
from tests.bench.figures import Figure
from tests.bench.front_door import CREATE
from tests.support import buyers
from tests.support.system import System

SECONDS, NIGHTS, FIRST_DAY, LONGEST = 60.0, 30, 40, 3
CONNECTIONS = 256
NEW_HOMESTAY = (
    "insert into homestay select (jsonb_populate_record(h, jsonb_build_object('id', nextval('homestay_id_seq'),"
    " 'stock', 1))).* from homestay h where id = %s returning id"
)
SOLD = "select count(*) as nights, max(taken) as most from homestay_night where homestay_id = %s and taken > 0"
ORDERS = "select count(*) as orders from homestay_order where homestay_id = %s"


def crowd(system: System, count: int) -> list[Figure]:
    """`count` guests evenly over a minute, each with a stay of one to three nights. Raises AssertionError when a night was
    sold beyond the one room, or an order is missing."""
    [homestay] = system.rows("travel", NEW_HOMESTAY, system.homestay)
    requests = _requests(system, homestay["id"], count)
    answers = client.send(system.environment["GATEWAY_URL"], requests, connections=CONNECTIONS, rate=count / SECONDS)
    [sold], [ordered] = system.rows("order", SOLD, homestay["id"]), system.rows("order", ORDERS, homestay["id"])
    assert sold["most"] == 1, f"a night was sold {sold['most']} times"
    assert ordered["orders"] == answers.succeeded(), f"{ordered['orders']} orders, {answers.statuses}"
    note = (
        f"answers {dict(answers.statuses)}, p50 {answers.p50_ms:.0f} ms, p99 {answers.p99_ms:.0f} ms;"
        f" {sold['nights']} of {NIGHTS} nights sold in {ordered['orders']} orders, none twice"
    )
    return [Figure(f"{count:,} guests at {NIGHTS} nights of one host", "/s", answers.per_second, note=note)]


def _requests(system: System, homestay_id: int, count: int) -> list[bytes]:
    dice = Random(30)  # noqa: S311 - the same guests in every run
    url = system.environment["GATEWAY_URL"] + CREATE
    found = []
    for token in buyers.tokens(system, count):
        nights = dice.randint(1, LONGEST)
        stay = system.stay(days=FIRST_DAY + dice.randrange(NIGHTS - nights + 1), nights=nights)
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        headers["Authorization"] = f"Bearer {token}"
        body = json.dumps(stay | {"homestayId": homestay_id}).encode()
        found.append(client.render("POST", url, headers, body))
    return found
