"""Files have larger bodies and more time, on their own path, for signed-in users; on real sockets. Others are as before."""

import time

import httpx
import pytest

from tests.service.servicekit.served_uploads import MOST_BYTES
from tests.support.served import closed, serving

PACE = 64 * 1024


@pytest.fixture(scope="module")
def hasty():
    """A head, and a body that is no file, have a second."""
    with serving("tests.service.servicekit.served_uploads", ARRIVE_SECONDS=1) as served:
        yield served


@pytest.fixture(scope="module")
def token(hasty):
    return httpx.get(f"{hasty.url}/token").text


def head(path, length, authorization=""):
    shown = f"Authorization: {authorization}\r\n" if authorization else ""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{shown}Content-Length: {length}\r\n\r\n".encode()


def steadily(connection, length, bytes_per_second):
    """Send `length` bytes at that pace; how many seconds it took until all were sent or the other side had enough."""
    began, sent = time.monotonic(), 0
    while sent < length:
        part = min(8192, length - sent)
        try:
            connection.sendall(b"x" * part)
        except OSError:
            break
        sent += part
        ahead = sent / bytes_per_second - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)  # the pace is what is tested
    return time.monotonic() - began


def test_a_file_that_keeps_its_pace_has_the_time_it_needs(hasty, token):
    connection = hasty.connect(head("/upload", 400_000, token))
    took = steadily(connection, 400_000, 2 * PACE)
    assert took > 2.5  # more than twice what all others have
    connection.settimeout(10)
    assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_at_the_same_pace_a_body_on_another_path_is_ended(hasty, token):
    connection = hasty.connect(head("/page", 90_000, token))
    steadily(connection, 90_000, 24 * 1024)
    assert closed(connection, within=5).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("bytes_per_second", [1, 16 * 1024])
def test_a_file_below_the_pace_is_ended_like_any_request(hasty, token, bytes_per_second):
    began = time.monotonic()
    connection = hasty.connect(head("/upload", 400_000, token))
    connection.settimeout(0.05)
    came = b""
    while not came and time.monotonic() - began < 8:
        connection.sendall(b"x" * max(1, bytes_per_second // 20))
        try:
            came = connection.recv(4096)
        except TimeoutError:
            continue
    assert came.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("authorization", ["", "Bearer forged"])
def test_without_a_token_nothing_of_a_file_is_waited_for(hasty, authorization):
    began = time.monotonic()
    connection = hasty.connect(head("/upload", 400_000, authorization))
    assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
    came = closed(connection, within=5)
    assert b"408" not in came.splitlines()[:1]
    assert time.monotonic() - began < 4


def test_an_endless_file_is_refused_by_its_member_and_buys_no_more_time(hasty, token):
    connection = hasty.connect(
        f"POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    began = time.monotonic()
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    try:
        while time.monotonic() - began < 20:
            connection.sendall(chunk)
            time.sleep(0.02)  # a pace that would buy time for ever
    except OSError:
        pass
    assert time.monotonic() - began < 15


def test_the_sizes_are_told_apart_by_path(hasty, token):
    with httpx.Client(base_url=hasty.url, headers={"Authorization": token}, timeout=10) as client:
        assert client.post("/upload", content=bytes(MOST_BYTES)).text == str(MOST_BYTES)
        for path, most, field in (("/upload", MOST_BYTES, "image"), ("/page", 100_000, None)):
            refused = client.post(path, content=bytes(most + 1))
            assert (refused.status_code, refused.json()["code"], refused.json().get("field")) == (413, 100108, field)
            assert str(most) in refused.json()["detail"]
