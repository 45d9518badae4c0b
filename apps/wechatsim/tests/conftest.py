"""Fixtures: keys made once, a real server per test that needs one, a merchant that records callbacks."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvicorn

from wechatsim import server
from wechatsim.app import create_app
from wechatsim.signing import crypto, keyring, pki
from wechatsim.sim import Settings, Sim

OPENID = "oBuyer0000000000000000000001"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "m"
    users = [{"openid": OPENID, "mobile": "13800000001", "nickname": "小明"}]
    keyring.create(folder, users=users)
    return folder


@pytest.fixture(scope="session")
def pubkey_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pubkeys") / "m"
    users = [{"openid": OPENID, "mobile": "13800000001", "nickname": "小明"}]
    keyring.create(folder, users=users, key_mode="pubkey")
    return folder


@dataclass
class MerchantClient:
    """A merchant's service: signs requests, records its notifications, returns the next of `statuses`."""

    folder: Path
    base: str = ""
    notify_url: str = ""
    statuses: list[int] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list, repr=False)
    http: httpx.AsyncClient | None = None

    def __post_init__(self) -> None:
        self.ids: dict[str, Any] = json.loads((self.folder / "merchant.json").read_text())
        self.key = pki.load_key((self.folder / "apiclient_key.pem").read_text())

    def authorization(self, method: str, target: str, body: bytes = b"", **changed: str) -> str:
        parts = {
            "mchid": self.ids["mchid"],
            "nonce_str": crypto.token(32),
            "timestamp": str(int(time.time())),
            "serial_no": self.ids["merchant_serial"],
        } | changed
        message = crypto.request_message(method, target.encode(), parts["timestamp"], parts["nonce_str"], body)
        parts.setdefault("signature", crypto.sign(self.key, message))
        return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in parts.items())

    async def send(self, method: str, target: str, content: Any = None, **headers: str) -> httpx.Response:
        assert self.http is not None
        raw = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        sent = {
            "Accept": "application/json",
            "User-Agent": "test",
            "Content-Type": "application/json",
            "Authorization": self.authorization(method, target, raw),
        } | headers
        return await self.http.request(method, self.base + target, content=raw, headers=sent)

    async def control(self, method: str, path: str, content: Any = None) -> httpx.Response:
        assert self.http is not None
        return await self.http.request(method, self.base + path, json=content if method == "POST" else None)

    def order(self, out_trade_no: str, /, **changed: Any) -> dict[str, Any]:
        return {
            "appid": self.ids["appid"],
            "mchid": self.ids["mchid"],
            "description": "山间小屋 一晚",
            "out_trade_no": out_trade_no,
            "notify_url": self.notify_url or "https://pay.example.com/notify",
            "amount": {"total": 19900, "currency": "CNY"},
            "payer": {"openid": OPENID},
        } | changed

    async def prepay(self, out_trade_no: str, /, **changed: Any) -> str:
        response = await self.send("POST", "/v3/pay/transactions/jsapi", self.order(out_trade_no, **changed))
        assert response.status_code == 200, response.text
        return str(response.json()["prepay_id"])

    async def pay(self, out_trade_no: str) -> dict[str, Any]:
        response = await self.control("POST", "/_sim/pay", {"out_trade_no": out_trade_no})
        assert response.status_code == 200, response.text
        paid: dict[str, Any] = response.json()
        return paid

    async def books(self, out_trade_no: str) -> dict[str, Any]:
        found = (await self.control("GET", f"/_sim/books?out_trade_no={out_trade_no}")).json()["books"]
        assert len(found) == 1
        row: dict[str, Any] = found[0]
        return row

    async def notifications(self, out_trade_no: str = "") -> list[dict[str, Any]]:
        response = await self.control("GET", f"/_sim/notifications?out_trade_no={out_trade_no}")
        found: list[dict[str, Any]] = response.json()["notifications"]
        return found

    def open(self, call: tuple[dict[str, str], bytes]) -> dict[str, Any]:
        """Verify one callback with the platform's key and decrypt it."""
        headers, body = call
        public = pki.certificate_key((self.folder / "platform_cert.pem").read_text())
        if headers["Wechatpay-Serial"] == self.ids["public_key_id"]:
            public = pki.load_key((self.folder / "pub_key_private.pem").read_text()).public_key()
        message = crypto.response_message(headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], body)
        assert crypto.verify(public, message, headers["Wechatpay-Signature"])
        resource = json.loads(body)["resource"]
        plain = crypto.gcm_decrypt(
            self.ids["apiv3_key"], resource["nonce"], resource["ciphertext"], resource["associated_data"]
        )
        opened: dict[str, Any] = json.loads(plain)
        return opened


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until a condition (sync or async) is true; returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < end, "the condition was never true"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def receiver(merchant: MerchantClient) -> AsyncIterator[None]:
    """An HTTP server on a free port that records each callback with its exact header names."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("Content-Length", 0)))
                status = merchant.statuses.pop(0) if merchant.statuses else 204
                merchant.calls.append((headers, body))
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    merchant.notify_url = f"http://127.0.0.1:{port}/notify"
    try:
        yield
    finally:
        listening.close()
        await listening.wait_closed()


@asynccontextmanager
async def in_process(folder: Path, **options: Any) -> AsyncIterator[tuple[MerchantClient, Sim]]:
    """The application over ASGI with its lifespan, and a merchant that calls it."""
    app = create_app(Settings(keys=(folder,), allow_local_notify=options.pop("local", True), **options))
    merchant = MerchantClient(folder, base="http://sim")
    async with (
        app.router.lifespan_context(app),
        receiver(merchant),
        httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http,
    ):
        merchant.http = http
        yield merchant, app.state.sim


@pytest.fixture
async def world(keys: Path) -> AsyncIterator[tuple[MerchantClient, Sim]]:
    async with in_process(keys) as pair:
        yield pair


@pytest.fixture
async def merchant(world: tuple[MerchantClient, Sim]) -> MerchantClient:
    return world[0]


@pytest.fixture
async def sim(world: tuple[MerchantClient, Sim]) -> Sim:
    return world[1]


class LiveServer:
    """uvicorn in a thread on a free port, as `wechatsim serve` runs it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        settings = Settings(keys=(folder,), allow_local_notify=True, **options)
        self.server = uvicorn.Server(server.config(settings, "127.0.0.1", self.port))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        end = time.monotonic() + 10
        while not self.server.started:
            assert time.monotonic() < end
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="session")
def live(keys: Path) -> Iterator[LiveServer]:
    with LiveServer(keys) as running:
        yield running


@pytest.fixture(scope="session")
def live_pubkey(pubkey_keys: Path) -> Iterator[LiveServer]:
    with LiveServer(pubkey_keys) as running:
        yield running
