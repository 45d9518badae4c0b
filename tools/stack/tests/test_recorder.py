"""The recorder passes bytes on as they came, whatever they are, and keeps exchanges without secrets."""

import functools
import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stack import children, layout, recorder
from stack.setup import recorder as binary

Answering = Callable[[socket.socket], object]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if lacking := binary.missing(layout.REPO):
        pytest.fail(f"{lacking[0].what}: {lacking[0].install}")
    return binary.install(layout.REPO, tmp_path_factory.mktemp("logs"))


class Recorder:
    """One between `front` and `back`."""

    def __init__(self, front: int, back: int, control: int) -> None:
        self.front, self.back, self.control = front, back, control

    def caller(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.front), timeout=10)

    def exchanges(self, count: int) -> list[dict[str, Any]]:
        """All samples, as soon as there are `count`: parsing happens beside the traffic."""
        deadline = time.monotonic() + 10
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/exchanges", timeout=5) as answer:
                self.head, *kinds = map(json.loads, answer.read().splitlines())
            found = [sample for kind in kinds for sample in kind["samples"]]
            self.counts = [kind["count"] for kind in kinds]
            if sum(self.counts) >= count:
                return found
            assert time.monotonic() < deadline, f"{found} of {count}"
            time.sleep(0.02)


@pytest.fixture
def recording(program: Path) -> Iterator[Recorder]:
    one = Recorder(free_port(), free_port(), free_port())
    argv = [str(program), "-control", f"127.0.0.1:{one.control}", f"order={one.front}:{one.back}"]
    with children.child(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        deadline = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{one.control}/healthz", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the recorder does not listen"
                time.sleep(0.02)
        yield one


@contextmanager
def app(port: int, answering: Answering) -> Iterator[None]:
    """Takes one connection and hands it to `answering`; its faults are raised at the end."""
    faults: list[BaseException] = []

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            connection.settimeout(10)
            with connection:
                answering(connection)
        except BaseException as fault:  # noqa: BLE001 - raised again below
            faults.append(fault)

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(15)
    assert not faults, faults


def read_until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        more = connection.recv(65536)
        assert more, got
        got += more
    return got


def read_all(connection: socket.socket) -> bytes:
    got = b""
    while more := connection.recv(65536):
        got += more
    return got


REQUEST = (
    b"POST /a/../b%2fc?x=1&key=secret HTTP/1.1\r\nHost: h\r\ncontent-type: application/json\r\nX-Twice: 1\r\nx-twice: 2\r\n"
    b"dapr-api-token: hidden\r\nDapr-Caller-App-Id: payment\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'7\r\n{"a": 1\r\n2\r\n ,\r\nF\r\n"password":"s3"\r\n1\r\n}\r\n0\r\n\r\n'
)
ANSWER = b'HTTP/1.1 200 Fine\r\ncontent-type: application/json\r\nContent-Length: 25\r\n\r\n{"accessToken":"abc.def"}'


def test_bytes_pass_as_they_came_and_the_exchange_is_kept_without_secrets(recording: Recorder) -> None:
    seen: list[bytes] = []

    def answering(connection: socket.socket) -> None:
        for _ in range(2):  # on one connection
            seen.append(read_until(connection, b"0\r\n\r\n"))
            connection.sendall(ANSWER)

    with app(recording.back, answering), recording.caller() as caller:
        answers = []
        for _ in range(2):
            caller.sendall(REQUEST)
            answers.append(read_until(caller, b"}"))
        assert (seen, answers) == ([REQUEST] * 2, [ANSWER] * 2)

    [kept] = recording.exchanges(2)
    assert recording.counts == [2]
    assert kept["path"] == "/a/../b%2fc"
    assert kept["query"] == ["key", "x"]
    assert kept["request"]["headers"] == {"content-type": "application/json", "dapr-caller-app-id": "payment"}
    assert kept["request"]["has"] == ["dapr-api-token"]
    assert kept["request"]["body"] == {"value": {"a": 1, "password": "xx"}}
    assert kept["answer"]["body"] == {"value": {"accessToken": "xxxxxxx"}}
    assert "hidden" not in json.dumps(kept)


def test_a_delivery_token_is_never_kept(recording: Recorder) -> None:
    request = b"POST /delivered/0123456789/events/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"

    def answering(connection: socket.socket) -> None:
        assert read_until(connection, b"\r\n\r\n") == request
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with app(recording.back, answering), recording.caller() as caller:
        caller.sendall(request)
        read_until(caller, b"\r\n\r\n")
    [kept] = recording.exchanges(1)
    assert (kept["path"], kept["delivered"], kept["status"], kept["answer"]["body"]) == ("/events/x", True, 204, None)
    assert "0123456789" not in json.dumps(kept)


def test_what_is_no_http_passes_too_and_is_counted(recording: Recorder) -> None:
    with (
        app(recording.back, lambda connection: connection.sendall(read_until(connection, b"?"))),
        recording.caller() as caller,
    ):
        caller.sendall(b"\x00\xff no http?")
        caller.shutdown(socket.SHUT_WR)  # half of it ends, the other still speaks
        assert read_all(caller) == b"\x00\xff no http?"
    deadline = time.monotonic() + 10
    while recording.exchanges(0) or recording.head["unreadable"] != {"order request": 1}:
        assert time.monotonic() < deadline, recording.head
        time.sleep(0.02)


def test_an_answer_before_the_end_of_a_request_is_not_held_back(recording: Recorder) -> None:
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def answering(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\nabc")
        connection.sendall(early)

    with app(recording.back, answering), recording.caller() as caller:
        caller.sendall(b"POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
        assert read_all(caller) == early
    [kept] = recording.exchanges(1)
    assert (kept["status"], kept["request"]["whole"]) == (413, False)


def test_an_app_that_is_down_is_a_broken_connection(recording: Recorder) -> None:
    with pytest.raises(ConnectionError), recording.caller() as caller:  # when it connects, or a moment later
        caller.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
        if read_all(caller) == b"":
            raise ConnectionError


def test_an_app_that_dies_in_its_answer_is_seen_as_such(recording: Recorder) -> None:
    def answering(connection: socket.socket) -> None:
        read_until(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with app(recording.back, answering), recording.caller() as caller:
        caller.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_all(caller).endswith(b"half")
    [kept] = recording.exchanges(1)
    assert (kept["status"], kept["answer"]["whole"], kept["answer"]["body"]) == (200, False, None)


def test_an_app_that_dies_before_its_answer_is_seen_as_such(recording: Recorder) -> None:
    answering = functools.partial(read_until, end=b"\r\n\r\n")
    with app(recording.back, answering), recording.caller() as caller:
        caller.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_all(caller) == b""
    [kept] = recording.exchanges(1)
    assert (kept["status"], kept["answer"]) == (
        0, {"headers": {}, "has": [], "whole": False, "bytes": 0, "body": None}
    )  # fmt: skip


def test_every_replica_has_a_link_and_the_apps_keep_their_ports() -> None:
    plain = layout.plan({"REPLICAS": "order=2"})
    recorded = layout.plan({"REPLICAS": "order=2", "RECORD": "1"})
    assert not plain.is_recorded
    assert plain.seen_by_sidecar("order") == plain.port("order")
    assert plain.ports.items() <= recorded.ports.items()
    assert recorder.links(recorded) == {
        name: (recorded.seen_by_sidecar(name), recorded.port(name)) for name in (*recorded.services, "order-2")
    }
    assert recorded.seen_by_sidecar("order") == recorded.port("order") + layout.WIRE_STEP
