"""The HTTP client of notifications, against a server that sends prepared bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from wechatsim.notify.http_client import HttpClient

OK = b"HTTP/1.1 204 X\r\n\r\n"
HEADERS = [("User-Agent", "Mozilla/4.0"), ("Content-Length", "4"), ("Request-ID", "08AB-0"), ("wechatpay-NONCE", "n")]


class Server:
    """Records each request and answers with the next of `answers`; closes after an empty one and after the last."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head + await reader.readexactly(4))
                response = self.answers.pop(0)
                writer.write(response)
                await writer.drain()
                if not response or not self.answers:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[HttpClient, Server, str]]:
    server = Server(*answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with HttpClient() as client:
        yield client, server, f"http://127.0.0.1:{port}/no%2Ftify/a|b"
    listening.close()
    await listening.wait_closed()


async def test_target_and_headers_are_sent_unchanged() -> None:
    async with serving(OK) as (client, server, url):
        assert await client.post(url, HEADERS, b"body") == (204, b"")
    host = url.split("/")[2]
    head = f"POST /no%2Ftify/a|b HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in HEADERS)
    assert server.requests == [head.encode() + b"\r\nbody"]


async def test_a_body_in_two_halves_keeps_its_content_length() -> None:
    async with serving(OK, OK) as (client, server, url):
        await client.post(url, HEADERS, b"body")
        await client.post(url, HEADERS, b"body", pause=0.05)
    assert server.requests[0] == server.requests[1]


async def test_a_reused_connection_that_was_closed_is_replaced_by_a_new_one() -> None:
    async with serving(OK, b"", OK) as (client, server, url):
        assert (await client.post(url, HEADERS, b"body"))[0] == 204
        assert (await client.post(url, HEADERS, b"body"))[0] == 204
    assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("response", [b"", b"220 mail\r\n\r\n", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{}"])
async def test_an_incomplete_response_on_a_new_connection_is_not_retried(response: bytes) -> None:
    async with serving(response) as (client, server, url):
        with pytest.raises(aiohttp.ClientError):
            await client.post(url, HEADERS, b"body")
    assert len(server.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    async with serving(b"HTTP/1.1 302 X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n") as (client, server, url):
        assert await client.post(url, HEADERS, b"body") == (302, b"")
    assert len(server.requests) == 1


async def test_64_kib_of_a_long_response_are_kept_and_the_rest_is_read() -> None:
    long = b"HTTP/1.1 500 X\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    async with serving(long, OK) as (client, server, url):
        assert await client.post(url, HEADERS, b"body") == (500, b"x" * 65536)
        assert (await client.post(url, HEADERS, b"body"))[0] == 204
    assert server.connections == 1


async def test_without_a_connection_the_error_is_an_os_error() -> None:
    async with HttpClient() as client:
        with pytest.raises(ConnectionRefusedError):
            await client.post("http://127.0.0.1:1/closed", HEADERS, b"body")
