"""What becomes of one POST to WeChat on a real socket: answered, never sent, or of unknown outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from notification.wechat.connection import MaybeTaken, NotTaken, PooledConnection
from tests.support.ports import free_port

TOKEN = "secret-token"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def connected_to(behaviour: Behaviour):
    server = await asyncio.start_server(behaviour, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = PooledConnection(f"http://127.0.0.1:{port}", timeout_seconds=0.3, most=4)
    async with server:
        yield connection
        await connection.close()


def answering(response: bytes, seen: list[bytes]) -> Behaviour:
    async def behave(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        seen.append(head + await reader.readexactly(length))
        writer.write(response)
        await writer.drain()
        writer.close()

    return behave


async def test_an_answer_comes_back_with_its_status():
    seen: list[bytes] = []
    response = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"errcode":0}'
    async with connected_to(answering(response, seen)) as connection:
        assert await connection.post("/send", b'{"a":"\xe4\xbd\xa0"}', TOKEN) == (200, b'{"errcode":0}')
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /send?access_token=secret-token HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert body == b'{"a":"\xe4\xbd\xa0"}'


async def test_a_redirect_is_not_followed():
    seen: list[bytes] = []
    response = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with connected_to(answering(response, seen)) as connection:
        assert await connection.post("/send", b"{}", None) == (302, b"")
    assert len(seen) == 1


async def test_what_found_no_server_was_not_taken():
    connection = PooledConnection(f"http://127.0.0.1:{free_port()}", timeout_seconds=1, most=1)
    with pytest.raises(NotTaken) as error:
        await connection.post("/send", b"{}", TOKEN)
    await connection.close()
    assert TOKEN not in str(error.value)


async def hang(reader, writer):
    await reader.read()
    writer.close()


async def break_off(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        break_off,
        answering(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"errcode":0}', []),
        answering(b"no HTTP\r\n\r\n", []),
    ],
    ids=["hangs", "breaks off", "half a body", "no HTTP"],
)
async def test_what_was_sent_and_not_answered_may_have_been_taken(behaviour):
    async with connected_to(behaviour) as connection:
        with pytest.raises(MaybeTaken) as error:
            await connection.post("/send", b"{}", TOKEN)
    assert TOKEN not in str(error.value)
