"""Where a request ends is never a matter of opinion (RFC 9112 §6): two lengths, or a length and chunks, are refused, so
that nothing is smuggled past a proxy that reads them the other way. On real sockets."""

import pytest

from tests.support.served import closed, serving

SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def payment():
    with serving("tests.service.servicekit.served") as served:
        yield served


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Content-Length: 0\r\nContent-Length: 33\r\n",
        b"Content-Length: 0, 33\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: 0x3\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
    ids=lambda lengths: lengths.decode().strip().replace("\r\n", " | "),
)
def test_a_request_whose_end_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_served(payment, lengths):
    head = b"POST /page HTTP/1.1\r\nHost: x\r\n" + lengths + b"\r\n"
    came = closed(payment.connect(head + b"0\r\n\r\n" + SMUGGLED), within=15)
    assert came.startswith(b"HTTP/1.1 400 ")
    assert came.count(b"HTTP/1.1 ") == 1


def test_a_request_with_one_length_is_served_and_so_is_the_next(payment):
    head = b"POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    connection = payment.connect(head + SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    came = closed(connection, within=15)
    assert came.count(b"HTTP/1.1 200 ") == 2
    assert b"pageabc" in came
