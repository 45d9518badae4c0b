"""Callbacks signed before the clock starts: signing one costs more than settling many."""

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from urllib.parse import urlsplit

from tests.bench import client
from tests.bench.seeding import Orders
from tests.support.forgery import callback, transaction


def callback_url(environment: Mapping[str, str]) -> str:
    """Straight to payment, as an ingress sends it."""
    return environment["PAYMENT_URL"] + urlsplit(environment["WXPAY_NOTIFY_URL"]).path


def signed(environment: Mapping[str, str], orders: Orders) -> list[bytes]:
    """A callback for each payment, signed beforehand: signing costs more than all else here."""
    numbers, url = orders.payment_sns(), callback_url(environment)
    with ProcessPoolExecutor(2) as pool:
        halves = [
            pool.submit(_signed, dict(environment), url, numbers[place::2], orders.total_fen) for place in range(2)
        ]
        return [request for half in halves for request in half.result()]


def _signed(environment: Mapping[str, str], url: str, numbers: list[str], total_fen: int) -> list[bytes]:
    made = (callback(environment, transaction(environment, number, total_fen)) for number in numbers)
    return [client.render("POST", url, headers, body) for headers, body in made]
