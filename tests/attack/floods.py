"""Floods of this machine against itself: passwords tried, registrations, connections that hang. Bounded, loopback only."""

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.attack.report import Attempt
from tests.attack.target import PASSWORD, PAYMENT, USER, Target
from tests.support.forgery import callback, deliver, transaction

TRIES, HALF_OPEN = 40, 2000
LIMITED = 429
HALVES = (
    b"POST /usercenter/v1/user/login HTTP/1.1\r\nHost: shop\r\nX-Slow: ",
    b"POST /usercenter/v1/user/login HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf",
    f"POST {PAYMENT}/thirdPaymentWxPayCallback HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf".encode(),
    b"",
)
PATIENCE_SECONDS = 5


def attempts(target: Target) -> Iterator[Attempt]:
    yield from _guessing(target)
    yield from _half_open(target)


def _guessing(target: Target) -> Iterator[Attempt]:
    """Wrong passwords for one account, until the door slows down; its owner gets in all the same."""
    owner = {"mobile": f"137{secrets.randbelow(10**8):08d}", "password": PASSWORD}
    target.system.data(f"{USER}/register", owner)
    answers = [
        target.post(f"{USER}/login", owner | {"password": f"guess-number-{number:04d}"}, "anonymous")
        for number in range(TRIES)
    ]
    for number, answered in enumerate(answers):
        yield Attempt("floods", f"a guessed password, number {number + 1}", {401, LIMITED}, answered)
    slowed = "" if LIMITED in answers else "nothing slows it down"
    yield Attempt("floods", f"{TRIES} guesses in a row", {LIMITED, 401}, answers[-1], slowed)


def _half_open(target: Target) -> Iterator[Attempt]:
    """Buyers and WeChat are served within five seconds while two thousand connections hang, at both of their doors."""
    environment = target.system.environment
    with ExitStack() as hanging:
        for url in (environment["GATEWAY_URL"], environment["PAYMENT_URL"]):
            address = urlsplit(url)
            for number in range(HALF_OPEN // 2):
                connection = hanging.enter_context(socket.socket())
                connection.settimeout(PATIENCE_SECONDS)
                connection.connect((address.hostname or "127.0.0.1", address.port or 80))
                connection.sendall(HALVES[number % len(HALVES)])
        for number in range(10):
            began = time.monotonic()
            answered = target.post("/order/v1/homestayOrder/userHomestayOrderList", {"pageSize": 5}, "buyer")
            yield Attempt("floods", f"a buyer beside {HALF_OPEN}, number {number + 1}", {200}, answered, _late(began))
            headers, body = callback(environment, transaction(environment, "PMT2026112309302600000000", 100))
            began = time.monotonic()
            response = deliver(environment, headers, body)
            yield Attempt(
                "floods", f"WeChat beside {HALF_OPEN}, number {number + 1}", {204}, response.status_code, _late(began)
            )


def _late(began: float) -> str:
    took = time.monotonic() - began
    return "" if took < PATIENCE_SECONDS else f"after {took:.1f} s"
