"""An order is created past FastAPI; every request gets the response that FastAPI's own route gives."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from order.main import create_app
from order.settings import Settings
from servicekit.direct import Direct
from servicekit.testing import APP_TOKEN, Tokens, client
from tests.service.order.nights import CREATE
from tests.service.order.support import BUYER, Order

PATH = f"/order/v1{CREATE}"


@pytest.fixture
async def fastapi_alone(order: Order, order_database: str, order_tokens: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The same service on the same tables, without what is served past FastAPI."""
    settings = Settings(database_url=order_database, APP_API_TOKEN=APP_TOKEN, most_unpaid=100)
    app = create_app(settings, clock=order.clock, sidecar=order.peers, verifier=order_tokens.verifier())
    app.user_middleware = [each for each in app.user_middleware if each.cls is not Direct]
    async with client(app) as http:
        yield http


JSON, KEY = {"content-type": "application/json"}, {"idempotency-key": "k-1"}


@pytest.mark.parametrize(
    ("headers", "change"),
    [
        (JSON, {}),
        ({"content-type": "application/json; charset=utf-8"}, {"remark": "晚到 🏡"}),
        ({"content-type": "text/plain"}, {}),
        ({"content-type": ""}, {}),
        (JSON | {"authorization": "Bearer nonsense"}, {}),
        (JSON | {"authorization": ""}, {}),
        (JSON | {"idempotency-key": "k" * 129}, {}),
        (JSON | {"idempotency-key": "with space"}, {}),
        (JSON | {"idempotency-key": ""}, {}),
        (JSON, {"homestayId": "7"}),
        (JSON, {"homestayId": 7.0}),
        (JSON, {"isFood": 1}),
        (JSON, {"remark": "a\x00b"}),
        (JSON, {"remark": "\ud800"}),
        (JSON, {"remark": "x" * 257}),
        (JSON, {"unknown": {"a": [1, None]}}),
        (JSON, {"livePeopleNum": 5}),
        (JSON | {"accept-language": "en"}, {"livePeopleNum": 5}),
        (JSON, {"liveStartTime": 1e400}),
        (JSON, {"remark": None}),
    ],
)
async def test_one_request_gets_one_response(
    order: Order, fastapi_alone: httpx.AsyncClient, headers: dict[str, str], change: dict[str, object]
) -> None:
    body = json.dumps(order.booking_request(**change)).encode()
    sent = {name.title(): value for name, value in order.tokens.bearer(BUYER).items()} | {
        name.title(): value for name, value in headers.items()
    }

    direct = await order.http.post(PATH, content=body, headers=sent)
    routed = await fastapi_alone.post(PATH, content=body, headers=sent)

    assert _compared(direct) == _compared(routed)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"a":1}{}', b" {} "])
async def test_what_is_no_request_gets_one_response(
    order: Order, fastapi_alone: httpx.AsyncClient, body: bytes
) -> None:
    sent = order.tokens.bearer(BUYER) | JSON

    direct = await order.http.post(PATH, content=body, headers=sent)
    routed = await fastapi_alone.post(PATH, content=body, headers=sent)

    assert direct.status_code == 422
    assert _compared(direct) == _compared(routed)


async def test_a_key_is_one_key_on_both_ways(order: Order, fastapi_alone: httpx.AsyncClient) -> None:
    sent, body = order.tokens.bearer(BUYER) | KEY, order.booking_request()

    first = await order.http.post(PATH, json=body, headers=sent)
    again = [await each.post(PATH, json=body, headers=sent) for each in (order.http, fastapi_alone)]
    other = [
        await each.post(PATH, json=order.booking_request(nights=2), headers=sent)
        for each in (order.http, fastapi_alone)
    ]

    assert [each.json() for each in again] == [first.json()] * 2
    assert [each.headers["Idempotent-Replayed"] for each in again] == ["true"] * 2
    assert "Idempotent-Replayed" not in first.headers
    assert [(each.status_code, each.json()["field"]) for each in other] == [(422, "Idempotency-Key")] * 2
    assert len(order.rows("select id from homestay_order")) == 1


def _compared(response: httpx.Response) -> tuple[object, ...]:
    """All but the number of the order and of the trace."""
    told = response.json()
    if response.status_code == 200:
        assert told["data"].pop("orderSn").startswith("HSO")
    told.pop("trace_id", None)
    headers = {
        name: value for name, value in response.headers.items() if name not in {"trace-id", "content-length", "date"}
    }
    return response.status_code, told, headers
