"""The counts of a request begin with it: what came before it in the same packet is another's."""

import asyncio

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from servicekit.bounds import protocol_of
from servicekit.crowd import Bounds, Crowd

TAIL = 100_000
"""More than a head may have (crowd.Bounds.head_bytes)."""
FOLLOWING = b"POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n" + b"x" * 10


class Written(asyncio.Transport):
    """Keeps what is written, and whether the connection was ended."""

    def __init__(self):
        super().__init__()
        self.text, self.ended = b"", False

    def write(self, data):
        self.text += data

    def close(self):
        self.ended = True

    abort = close

    def is_closing(self):
        return self.ended

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


async def refuses_early(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def connection():
    config = Config(refuses_early, http=protocol_of(Crowd(Bounds(connections=10, per_address=10))), log_config=None)
    config.load()
    protocol, transport = config.http_protocol_class(config, ServerState(), {}), Written()
    protocol.connection_made(transport)
    yield protocol, transport
    protocol.connection_lost(None)


async def responses(transport, count):
    async with asyncio.timeout(5):
        while transport.text.count(b"HTTP/1.1 204 ") < count and not transport.ended:
            await asyncio.sleep(0)
    return transport.text.count(b"HTTP/1.1 204 ")


@pytest.mark.parametrize("cut", [len(FOLLOWING), len(FOLLOWING) - 7, 20], ids=["whole", "in its body", "in its head"])
async def test_what_follows_the_end_of_a_refused_body_is_read_as_usual(connection, cut):
    protocol, transport = connection
    protocol.data_received(b"POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % TAIL)
    assert await responses(transport, 1) == 1

    protocol.data_received(bytes(TAIL) + FOLLOWING[:cut])
    if FOLLOWING[cut:]:
        protocol.data_received(FOLLOWING[cut:])

    assert await responses(transport, 2) == 2
    assert (transport.ended, transport.text.count(b"HTTP/1.1 ")) == (False, 2)


@pytest.mark.parametrize("more", [0, 1])
async def test_a_head_after_such_an_end_is_bounded_as_any_other(connection, more):
    protocol, transport = connection
    protocol.data_received(b"POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % TAIL)
    assert await responses(transport, 1) == 1

    unfinished = b"GET / HTTP/1.1\r\nx: "
    unfinished += b"y" * (32 * 1024 - len(unfinished) + more)
    protocol.data_received(bytes(TAIL) + unfinished)

    assert (transport.ended, b" 431 " in transport.text) == (bool(more), bool(more))
