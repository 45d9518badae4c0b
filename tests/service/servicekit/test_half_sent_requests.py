"""What is half-sent, endless, idle or unread costs a connection for a while, and never a place: on real sockets."""

import socket
import time

import httpx
import pytest

from tests.service.servicekit.served import CALLBACK
from tests.support.served import closed, serving
from tests.support.waiting import eventually

PAYMENT = "tests.service.servicekit.served"
WECHAT_AT_THE_GATE = "/payment/v1/thirdPayment/thirdPaymentWxPayCallback"
HALF_A_HEAD = b"POST /page HTTP/1.1\r\nHost: shop\r\nX-Slow: "
HALF_A_BODY = b"POST /page HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf"
HALF_A_CALLBACK = b"POST " + WECHAT_AT_THE_GATE.encode() + HALF_A_BODY.removeprefix(b"POST /page")


@pytest.fixture(scope="module")
def payment():
    with serving(PAYMENT) as served:
        yield served


@pytest.fixture(scope="module")
def hasty():
    """Its clients have a second for a request, and three for an answer."""
    with serving(PAYMENT, ARRIVE_SECONDS=1, UNREAD_SECONDS=3) as served:
        yield served


@pytest.mark.parametrize(
    ("module", "visitor", "callback"),
    [("gateway", "/usercenter/v1/user/login", WECHAT_AT_THE_GATE), (PAYMENT, "/page", CALLBACK)],
)
def test_buyers_and_wechat_are_served_while_two_thousand_half_sent_requests_hang(module, visitor, callback):
    with serving(module, ARRIVE_SECONDS=60) as shop:
        for number in range(2000):
            shop.connect((HALF_A_HEAD, HALF_A_BODY, HALF_A_CALLBACK, b"")[number % 4])
        eventually(lambda: shop.metric("http_connections ") >= 2000, what="all of them are connected")
        with httpx.Client(base_url=shop.url, timeout=5) as client:
            for _ in range(20):
                assert client.post(visitor, json={}).status_code == 200
                assert client.post(callback, json={}).status_code in {200, 204}
            assert client.get("/readyz").status_code == 200
        assert shop.metric("http_requests_in_flight") == 0
        assert shop.metric("http_requests_refused_total") == 0


@pytest.mark.parametrize("half", [HALF_A_HEAD, HALF_A_BODY])
def test_what_is_not_whole_in_time_is_told_so_and_ended(hasty, half):
    assert closed(hasty.connect(half), within=5).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.parametrize("drop", [b"X-Slow: 1\r\n", b"\r\n"])
def test_a_head_that_trickles_in_has_no_more_time_than_another(hasty, drop):
    connection = hasty.connect(b"POST /page HTTP/1.1\r\n" if drop != b"\r\n" else b"")
    connection.settimeout(0.1)
    until = time.monotonic() + 5
    with pytest.raises((ConnectionError, EOFError)):
        while time.monotonic() < until:
            connection.sendall(drop)
            try:
                if not connection.recv(1000):
                    raise EOFError
            except TimeoutError:
                continue


def test_a_connection_that_never_speaks_is_ended(hasty):
    assert closed(hasty.connect(), within=5) == b""


def pour(connection: socket.socket, part: bytes, most: int) -> int:
    """Send until the other side has had enough; how much that was."""
    sent = 0
    try:
        while sent < most:
            sent += connection.send(part)
    except (ConnectionError, TimeoutError):
        return sent
    return sent


@pytest.mark.parametrize(
    ("begin", "endless", "most", "status"),
    [
        (b"GET /page HTTP/1.1\r\nX-Long: ", b"x" * 65536, 64 * 1024 * 1024, b"431"),
        (b"GET /page HTTP/1.1\r\n", b"X: y\r\n" * 1000, 300_000 * 6, b"431"),
        (b"GET /page?", b"x" * 65536, 32 * 1024 * 1024, b"414"),
        (
            b"POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
            b"x" * 65536,
            64 * 1024 * 1024,
            b"400",
        ),
        (b"POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536, 64 * 1024 * 1024, b"400"),
    ],
    ids=[
        "a header of 64 MiB",
        "300,000 headers",
        "a request line of 32 MiB",
        "a trailer of 64 MiB",
        "a chunk's extension",
    ],
)
def test_what_has_no_end_is_refused_early_and_not_kept(payment, begin, endless, most, status):
    before = payment.memory()
    connection = payment.connect(begin)
    sent = pour(connection, endless, most)
    came = closed(connection, within=5)

    assert sent < 8 * 1024 * 1024  # what the buffers of both kernels take, and no more
    assert came == b"" or came.startswith(b"HTTP/1.1 " + status)
    assert payment.memory() - before < 4 * 1024 * 1024
    assert httpx.post(f"{payment.url}/page").status_code == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 100 + b"\r\n", 200),
        (b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nX: " + b"y" * (32 * 1024 - 100) + b"\r\n\r\n", 200),
        (b"GET /livez HTTP/1.1\r\nX: " + b"y" * (32 * 1024) + b"\r\n\r\n", 431),
        (b"GET /livez?" + b"y" * (8 * 1024 - 7) + b" HTTP/1.1\r\n\r\n", 200),
        (b"GET /livez?" + b"y" * (8 * 1024 - 6) + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_the_bounds_of_a_head_are_exact(payment, request_, status):
    connection = payment.connect(request_)
    assert connection.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_head_is_refused_on_a_connection_that_was_good_before(payment):
    connection = payment.connect(b"GET /livez HTTP/1.1\r\n\r\n")
    came = b""
    while not came.endswith(b"}"):
        came += connection.recv(65536)
    assert came.startswith(b"HTTP/1.1 200 ")
    connection.sendall(b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_a_trailer_is_no_header(payment):
    head = b"POST /dapr/subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = payment.connect(head + b"0\r\ndapr-api-token: test-app-token-0123456789\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_one_address_has_so_many_connections_and_a_proxy_all_of_them():
    with serving(PAYMENT, TRUSTED_PEERS="10.0.0.0/8", CONNECTIONS_PER_ADDRESS=20) as shop:
        eventually(lambda: shop.metric("http_connections ") == 1, what="only the one who asks is connected")
        kept = [shop.connect(HALF_A_HEAD) for _ in range(19)]
        eventually(lambda: _is_closed(shop.connect(HALF_A_HEAD)), what="the address is full")
        kept.pop().close()
        assert eventually(lambda: _lets_in(shop), what="a place is free again")


def _is_closed(connection: socket.socket) -> bool:
    try:
        return closed(connection, within=0.2) == b""
    except TimeoutError:
        return False


def _lets_in(shop) -> bool:
    try:
        return httpx.get(f"{shop.url}/livez", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_with_all_connections_taken_the_longest_without_a_request_makes_room():
    with serving(PAYMENT, CONNECTIONS=64, ARRIVE_SECONDS=60) as shop:
        first = shop.connect(HALF_A_HEAD)
        with httpx.Client(base_url=shop.url, timeout=5) as client:
            for number in range(500):
                shop.connect((HALF_A_HEAD, HALF_A_BODY)[number % 2])
                assert client.post("/page").content == b"page"
        assert closed(first, within=1) == b""
        assert shop.metric("http_connections ") <= 64
        assert shop.metric('http_connections_cut_total{reason="makes_room"}') > 400


def test_a_response_that_is_never_read_is_not_kept_for_ever(hasty):
    for _ in range(10):
        hasty.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", receive_buffer=4096)
    eventually(lambda: hasty.metric("http_requests_in_flight") == 10, what="all of them are answered")
    eventually(lambda: hasty.metric("http_requests_in_flight") == 0, what="no request is in flight any more")
    eventually(lambda: hasty.metric("http_connections ") == 1, what="only the one who asks is connected")


def test_a_request_that_comes_in_pieces_and_two_at_once_are_served(payment):
    connection = payment.connect()
    for byte in b"POST /page HTTP/1.1\r\nContent-Length: 2\r\n\r\nab":
        connection.sendall(bytes([byte]))
    came = b""
    while not came.endswith(b"pageab"):  # head and body may come apart
        came += connection.recv(65536)
    connection.sendall(
        b"POST /page HTTP/1.1\r\nContent-Length: 1\r\n\r\n1POST /page HTTP/1.1\r\nContent-Length: 1\r\n\r\n2"
    )
    came = b""
    while came.count(b"page") < 2:
        came += connection.recv(65536)
    assert came.index(b"page1") < came.index(b"page2")
