"""What the front end asks for through the gateway: catalogue reads, new orders, prepays against the sandbox."""

import json
import secrets
from pathlib import Path
from uuid import uuid4

from tests.bench import client, parts, seeding
from tests.bench.client import Answers
from tests.bench.figures import Figure
from tests.bench.floors.sidecars import Floor, Sidecars, invocation_floor
from tests.support import buyers
from tests.support.system import System

CONNECTIONS, DAYS = 32, 300
ORDERS_OF_A_BUYER = 5
"""As many as ORDER_MOST_UNPAID lets one have."""
LIST, CREATE, PREPAY = (
    "/travel/v1/homestay/homestayList",
    "/order/v1/homestayOrder/createHomestayOrder",
    "/payment/v1/thirdPayment/thirdPaymentWxPay",
)


def reads(system: System, sidecars: Sidecars, seconds: float) -> list[Figure]:
    floor = invocation_floor(sidecars, seconds / 2, CONNECTIONS)
    body = {"page": 1, "pageSize": 10}
    request = _request(system, LIST, body)
    before = _processor_seconds(system)
    answers = client.send(system.environment["GATEWAY_URL"], [request], connections=CONNECTIONS, seconds=seconds)
    return [_figure("catalogue reads through the gateway", system, before, answers, floor, 1500)]


def orders_created(system: System, sidecars: Sidecars, count: int) -> list[Figure]:
    floor = invocation_floor(sidecars, 3, CONNECTIONS)
    # Buyers want different nights: of one and the same night every order waits for the commit of the one before.
    first = secrets.randbelow(10**9) + 10**9  # others in each run: the orders of the run before are still unpaid
    tokens = buyers.tokens(system, -(-count // ORDERS_OF_A_BUYER), first=first)
    # A buyer's orders far apart: two of them at once may want the same place.
    requests = [
        _request(system, CREATE, system.stay(days=n % DAYS), token=tokens[n % len(tokens)]) for n in range(count)
    ]
    before = _processor_seconds(system)
    answers = client.send(system.environment["GATEWAY_URL"], requests, connections=CONNECTIONS)
    return [_figure("orders created through the gateway", system, before, answers, floor, 300)]


def prepays(system: System, sidecars: Sidecars, count: int) -> list[Figure]:
    """As many as can be, and then at half of that: p99 of those."""
    floor = invocation_floor(sidecars, 3, CONNECTIONS)
    requests = _prepays(system, count)
    before = _processor_seconds(system)
    answers = client.send(system.environment["GATEWAY_URL"], requests, connections=CONNECTIONS)
    figure = _figure("prepays through the gateway", system, before, answers, floor, 200)
    half = client.send(
        system.environment["GATEWAY_URL"],
        _prepays(system, count // 2),
        connections=CONNECTIONS,
        rate=answers.per_second / 2,
    )
    return [figure, Figure("prepays at half of that, p99", "ms", half.p99_ms, None, 150, less_is_better=True)]


def _prepays(system: System, count: int) -> list[bytes]:
    sns, token = seeding.waiting_orders(system, count).order_sns(), buyers.lasting_token(system)
    return [_request(system, PREPAY, {"orderSn": sn, "serviceType": "homestayOrder"}, token=token) for sn in sns]


def _request(system: System, path: str, body: object, *, token: str = "") -> bytes:
    """Of the user with the `token`."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return client.render("POST", system.environment["GATEWAY_URL"] + path, headers, json.dumps(body).encode())


def _processor_seconds(system: System) -> dict[str, float]:
    return parts.processor_seconds(Path(system.environment["RUN_DIR"]))


def _figure(
    name: str, system: System, before: dict[str, float], answers: Answers, floor: Floor, target: float
) -> Figure:
    used = parts.spent(before, _processor_seconds(system))
    by_part = {part: seconds * 1000 / answers.answers for part, seconds in used.items()}
    note = f"answers {dict(answers.statuses)}, p50 {answers.p50_ms:.0f} ms, p99 {answers.p99_ms:.0f} ms"
    return Figure(name, "/s", answers.succeeded() / answers.seconds, floor.per_second, target, False, by_part, note)
