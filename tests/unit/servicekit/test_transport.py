"""httpx on aiohttp's connections: the same bytes both ways, httpx's own errors, bounded time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar
from servicekit.transport import PooledTransport

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    async def quietly(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()

    listening = await asyncio.start_server(quietly, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def client(url: str, seconds: float = 5.0, connections: int = 10) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=url, transport=PooledTransport(max_connections=connections), timeout=seconds
    ) as http:
        yield http


async def taken(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = dict(each.split(": ", 1) for each in rest)
    return line, headers, await reader.readexactly(int(headers.get("Content-Length", 0)))


async def test_a_request_goes_out_as_it_is_and_the_answer_comes_back_as_it_is():
    seen = []

    async def serve(reader, writer):
        seen.append(await taken(reader))
        writer.write(b"HTTP/1.1 409 Conflict\r\nX-A: 1\r\nSet-Cookie: c=1\r\nContent-Length: 5\r\n\r\n\xff\x00ab\n")
        seen.append(await taken(reader))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with server(serve) as url, client(url) as http:
        first = await http.post("/a/b?c=d%20e", content=b'{"a": 1}\n', headers={"Wechatpay-Serial": "0A", "X-B": "b"})
        second = await http.post("/empty", content=b"")
    assert (first.status_code, first.headers["x-a"], first.content) == (409, "1", b"\xff\x00ab\n")
    assert (second.status_code, second.content) == (204, b"")
    line, headers, body = seen[0]
    assert (line, body) == ("POST /a/b?c=d%20e HTTP/1.1", b'{"a": 1}\n')
    assert headers["Wechatpay-Serial"] == "0A"
    assert not {"Content-Type", "Cookie"} & headers.keys()
    assert "Cookie" not in seen[1][1]


async def test_connections_are_used_again_and_are_bounded():
    opened = 0

    async def serve(reader, writer):
        nonlocal opened
        opened += 1
        while True:
            await taken(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with server(serve) as url, client(url, connections=4) as http:
        answers = await asyncio.gather(*(http.post("/", content=b"x") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert opened == 4


async def test_a_peer_that_says_nothing_is_given_up_in_bounded_time():
    async def serve(reader, _writer):
        await reader.read()

    began = time.monotonic()
    async with server(serve) as url, client(url, seconds=0.2) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post("/", content=b"x")
    assert time.monotonic() - began < 2


async def test_a_closed_port_and_a_broken_answer_are_httpx_errors():
    async def serve(reader, writer):
        await taken(reader)
        writer.close()

    async with server(serve) as url, client(url) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/", content=b"x")
    async with client(url) as http:
        with pytest.raises(httpx.ConnectError):
            await http.post("/", content=b"x")


async def test_a_post_is_never_sent_twice():
    requests = 0

    async def serve(reader, writer):
        nonlocal requests
        await taken(reader)
        requests += 1
        if requests == 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await taken(reader)
            requests += 1

    async with server(serve) as url, client(url) as http:
        await http.post("/", content=b"x")
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/", content=b"x")
    assert requests == 2


LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"


async def test_a_large_answer_is_streamed_piece_by_piece():
    read = asyncio.Event()

    async def serve(reader, writer):
        await taken(reader)
        writer.write(LARGE + b"first")
        await read.wait()
        for _ in range(100):
            writer.write(b"x" * 100_000)
            await writer.drain()

    async with server(serve) as url, client(url) as http, http.stream("GET", "/") as answer:
        pieces = answer.aiter_raw()
        size = len(await anext(pieces))
        read.set()
        longest = 0
        async for piece in pieces:
            size, longest = size + len(piece), max(longest, len(piece))
            if size >= 10_000_000:
                break
    assert size == 10_000_000
    assert longest < 1_000_000


async def test_a_stream_that_breaks_off_or_falls_silent_is_an_error_of_httpx():
    broken, silent = [], asyncio.Event()

    async def serve(reader, writer):
        await taken(reader)
        writer.write(LARGE + b"first")
        await writer.drain()
        broken.append(1)
        if len(broken) > 1:
            await silent.wait()

    async with server(serve) as url, client(url, seconds=0.2) as http:
        for error in (httpx.RemoteProtocolError, httpx.ReadTimeout):
            async with http.stream("GET", "/") as answer:
                with pytest.raises(error):
                    await answer.aread()
        silent.set()


async def test_a_stream_that_is_left_half_read_frees_its_place():
    async def serve(reader, writer):
        while True:
            line, *_ = await taken(reader)
            large = line.startswith("GET /large")
            writer.write(LARGE + b"first" if large else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with server(serve) as url, client(url, connections=1) as http:
        async with http.stream("GET", "/large") as answer:
            assert await anext(answer.aiter_raw()) == b"first"
        assert (await http.get("/small")).content == b"ok"


async def test_a_dead_sidecar_is_a_peer_that_is_not_available():
    sidecar = Sidecar("http://127.0.0.1:9", "", timeout_seconds=1)
    with pytest.raises(PeerUnavailable):
        await sidecar.invoke("order", "POST", "/x", json={})
    assert await sidecar.is_ready() is False
    await sidecar.close()


async def test_an_invocation_arrives_as_it_was_given_with_the_sidecars_token():
    seen = []

    async def serve(reader, writer):
        for _ in range(3):
            seen.append(await taken(reader))
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a": 1.5}')

    async with server(serve) as url:
        sidecar = Sidecar(url, "secret")
        answer = await sidecar.invoke("order", "POST", "/x/y", json={"title": "小院"}, headers={"Idempotency-Key": "k"})
        await sidecar.invoke("order", "POST", "/raw", content=b'{"a":  1}', headers={"content-type": "text/x"})
        await sidecar.invoke("order", "GET", "/nothing")
        await sidecar.close()
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {"a": 1.5}, "application/json")
    lines, headers, bodies = zip(*seen, strict=True)
    assert lines == ("POST /x/y HTTP/1.1", "POST /raw HTTP/1.1", "GET /nothing HTTP/1.1")
    assert bodies == ('{"title":"小院"}'.encode(), b'{"a":  1}', b"")
    wanted = {
        "dapr-app-id": "order",
        "dapr-api-token": "secret",
        "content-type": "application/json",
        "Idempotency-Key": "k",
    }
    assert wanted.items() <= headers[0].items()
    assert headers[1]["content-type"] == "text/x"
    assert {name.lower() for name in headers[2]} <= {"host", "dapr-app-id", "dapr-api-token", "traceparent"}


async def test_an_invocation_that_is_not_answered_in_time_is_an_unavailable_peer():
    async def serve(reader, writer):
        await taken(reader)
        await asyncio.sleep(30)

    async with server(serve) as url:
        sidecar, began = Sidecar(url, ""), time.monotonic()
        with pytest.raises(PeerUnavailable, match="order: ReadTimeout"):
            await sidecar.invoke("order", "POST", "/x", json={}, timeout_seconds=0.2)
        await sidecar.close()
    assert time.monotonic() - began < 10


async def test_a_problem_that_quotes_a_lone_surrogate_is_a_whole_answer():
    async def serve(reader, writer):
        await taken(reader)
        body = b'{"detail": "\\ud800"}'
        head = b"HTTP/1.1 422 X\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)

    async with server(serve) as url:
        sidecar = Sidecar(url, "")
        assert (await sidecar.invoke("order", "POST", "/x", json={})).status_code == 422
        await sidecar.close()
