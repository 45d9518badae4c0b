"""The Go service in a process of its own, on a real PostgreSQL; one server plays its sidecar, its peers and WeChat."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from servicekit.testing import APP_TOKEN, Tokens
from stack import children, replacements
from stack.layout import REPO
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer, as_owner
from tests.support.waiting import eventually

SN = "HSO2026112309302612345678"
DELIVERY = "d" * 24
SENDING = "/cgi-bin/message/subscribe/send"
TOPICS = ("order-update-tradestate-topic", "order-update-refund-topic")


def order(sn: str = SN, **more: Any) -> dict[str, Any]:
    """What order tells about a paid order."""
    return {
        "sn": sn,
        "userId": 42,
        "homestayUserId": 9,
        "title": "西湖边的院子，推窗见山，步行五分钟到断桥残雪",
        "tradeState": 1,
        "tradeCode": "K7MP3WXR",
        "totalFen": 19900,
        "liveStartDate": "2026-12-01",
        "liveEndDate": "2026-12-03",
        "refundState": "none",
        **more,
    }


@dataclass
class Played:
    """What the server answers, and what it was asked: `asked` by path."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    sends: list[dict[str, Any]] = field(default_factory=list)
    """WeChat's answers to the next sends; then `errcode` 0."""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    keys: list[dict[str, str]] = field(default_factory=list)
    """usercenter's public keys."""
    secrets: dict[str, str] = field(default_factory=lambda: {"wxma-secret": "s3cret\n"})
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self) -> list[dict[str, Any]]:
        return [body for path, body in self.asked if path.startswith(SENDING)]

    def respond(self, path: str, body: Any) -> Any:
        with self.lock:
            self.asked.append((path, body))
            if path.startswith(SENDING):
                return self.sends.pop(0) if self.sends else {"errcode": 0, "errmsg": "ok"}
            if path.startswith("/v1.0/secrets/"):
                return self.secrets
            return self._fixed(body).get(path, dict)()

    def _fixed(self, body: Any) -> dict[str, Callable[[], Any]]:
        topics = [*TOPICS, *(f"{topic}.notification.dlq" for topic in TOPICS)]
        read = [{"pubsubname": "pubsub", "topic": topic} for topic in topics]
        return {
            "/v1.0/metadata": lambda: {"runtimeVersion": "1.18.2", "components": [], "subscriptions": read},
            "/internal/jwks": lambda: {"keys": self.keys},
            "/internal/revocations": lambda: {
                "users": [{"userId": 7, "generation": 0}],
                "sessions": [5],
                "issuedUntil": 0,
            },
            "/internal/orderDetail": lambda: self.orders.get(body["orderSn"], {"tradeState": 0}),
            "/internal/orders": lambda: {"orders": [self.orders[sn] for sn in body["orderSns"] if sn in self.orders]},
            "/internal/authByUser": lambda: {"authKey": f"openid-{body['userId']}"},
            "/internal/openids": lambda: {
                "openids": [{"userId": each, "openid": f"openid-{each}"} for each in body["userIds"]]
            },
            "/cgi-bin/stable_token": lambda: {"access_token": "TOKEN", "expires_in": 7200},
        }


@dataclass
class Service:
    url: str
    database: str
    played: Played
    process: children.Child

    def deliver(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """As the service's own sidecar does."""
        return httpx.post(
            f"{self.url}/delivered/{DELIVERY}{path}",
            content=body if isinstance(body, (str, bytes)) else json.dumps(body),
            headers={"dapr-api-token": APP_TOKEN, "content-type": "application/json", **headers},
            timeout=20,
        )

    def bulk(self, topic_path: str, *events: Any) -> dict[str, str]:
        """Status by entry, in the order of `events`; each under a key of its own."""
        entries = [
            {"entryId": str(place), "event": event, "metadata": {"__key": _key_of(event, place)}}
            for place, event in enumerate(events)
        ]
        response = self.deliver(topic_path, {"id": "b", "entries": entries, "pubsubname": "pubsub"})
        assert response.status_code == 200, response.text
        return {each["entryId"]: each["status"] for each in response.json()["statuses"]}

    def tick(self, job: str) -> int:
        response = self.deliver(f"/jobs/{job}", "")
        assert response.status_code == 200, response.text
        return int(response.json()["claimed"])

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(as_owner(self.database), row_factory=dict_row, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def tasks(self) -> dict[str, str]:
        """State by kind and number of the order, of all tasks."""
        return {
            f"{row['kind']} {row['order_sn']}": row["state"] for row in self.rows("select * from notification_task")
        }

    def metric(self, sample: str) -> float:
        lines = httpx.get(f"{self.url}/metrics", timeout=10).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(sample))

    def stop(self, number: int = signal.SIGTERM, within: float = 15) -> int:
        self.process.send_signal(number)
        return int(self.process.wait(within))


def _key_of(event: Any, place: int) -> str:
    data = event.get("data") if isinstance(event, dict) else None
    return str(data.get("orderSn", place)) if isinstance(data, dict) else str(place)


def event(data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "minsu.order",
        "source": "order",
        "id": uuid4().hex,
        "time": "2026-11-23T01:31:20.120000Z",
        "datacontenttype": "application/json",
        "data": data,
        **more,
    }


def state_event(trade_state: Any = 1, sn: str = SN, **more: Any) -> dict[str, Any]:
    return event(
        {"orderSn": sn, "tradeState": trade_state, "fromState": 0, "changedAt": "2026-11-23T01:31:20Z", "version": 2},
        **more,
    )


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    [seat] = replacements.chosen(REPO, {"SEAT_NOTIFICATION": "go"})
    seat.build(tmp_path_factory.mktemp("build") / "build.log")
    return seat.program


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    running = PostgresServer()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens()


@contextmanager
def playing(state: Played) -> Iterator[int]:
    """The port of the server that plays everything around the service."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(state.respond(self.path, None))

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            self._send(state.respond(self.path, json.loads(self.rfile.read(length) or b"null")))

        def _send(self, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield listening.server_port
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def played(tokens: Tokens) -> Iterator[tuple[Played, int]]:
    state = Played(keys=[tokens.jwk])
    with playing(state) as port:
        yield state, port


def environment(database: str, sidecar: int, port: int, **more: str) -> dict[str, str]:
    """What the stack tells the service."""
    return {
        "APP_PORT": str(port),
        "APP_API_TOKEN": APP_TOKEN,
        "DELIVERY_TOKEN": DELIVERY,
        "DAPR_HTTP_PORT": str(sidecar),
        "DRAIN_SECONDS": "0",
        "LOG_FORMAT": "json",
        "NOTIFICATION_DATABASE_URL": database,
        "NOTIFICATION_WXMA_BASE_URL": f"http://127.0.0.1:{sidecar}",
        "NOTIFICATION_WXMA_APPID": "wx0",
        "NOTIFICATION_TEMPLATE_PAID": "T-paid",
        "NOTIFICATION_TEMPLATE_ARRIVAL": "T-arrival",
        "NOTIFICATION_TEMPLATE_REFUNDED": "T-refunded",
        "NOTIFICATION_TEMPLATE_REFUND_ASKED": "T-asked",
        "NOTIFICATION_PAGE": "pages/order/detail?sn={sn}",
        **more,
    }


@contextmanager
def serving(argv: Sequence[str | Path], database: str, played: tuple[Played, int], log: Path) -> Iterator[Service]:
    """The service, ready, as the stack starts it."""
    state, sidecar = played
    port = free_port()
    with log.open("w") as sink:
        told = os.environ | environment(database, sidecar, port)
        process = children.start(argv, env=told, stdout=sink, stderr=sink)
        running = Service(f"http://127.0.0.1:{port}", database, state, process)
        try:
            eventually(lambda: _is_ready(running, log), seconds=60, what="the service is ready")
            yield running
        finally:
            children.end(process, signal.SIGKILL)


@pytest.fixture
def service(program: Path, server: PostgresServer, played: tuple[Played, int], tmp_path: Path) -> Iterator[Service]:
    database = server.migrated("notification", f"n{uuid4().hex[:12]}")
    with serving([program], database, played, tmp_path / "service.log") as running:
        yield running


def _is_ready(service: Service, log: Path) -> bool:
    assert service.process.poll() is None, log.read_text()
    try:
        return httpx.get(f"{service.url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
