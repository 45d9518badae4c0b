"""The storefront's pages by address. A path or link that comes from outside is resolved here before it becomes a Location
or a link: the result always begins with a path of this table, so it cannot lead to another origin."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from servicekit.paging import BIGINT_MAX

HOME, SIGN_IN = "/", "/signin"
PLAIN = {
    HOME: "homestays",
    SIGN_IN: "signin",
    "/orders": "orders",
    "/account": "account",
    "/host": "host",
    "/host/shop": "host_shop",
    "/host/homestays": "host_homestays",
    "/host/homestays/new": "host_edit",
    "/host/orders": "host_orders",
    "/host/payouts": "host_payouts",
}
MOVED = {"/merchant": "/host/orders"}
OF_AN_ORDER: dict[str, tuple[str, dict[str, Any]]] = {
    "/orders": ("order", {}),
    "/pay": ("pay", {}),
    "/waiting": ("waiting", {}),
    "/paid": ("order", {"justPaid": True}),
}
OF_A_HOMESTAY = "/homestays"
OF_A_HOSTS_HOMESTAY = "/host/homestays"
"""Below it the homestay's id, then nothing or one of:"""
HOSTS_PAGES = {
    "": "host_homestay",
    "/edit": "host_edit",
    "/photos": "host_photos",
    "/calendar": "host_calendar",
    "/links": "host_links",
    "/changes": "host_changes",
}
_ORDER_SN = re.compile(r"[A-Z]{3}[0-9]{22}")
_HOMESTAY_ID = re.compile(r"[1-9][0-9]{0,18}")


def is_order_sn(text: str) -> bool:
    return _ORDER_SN.fullmatch(text) is not None


def homestay_id(text: str) -> int | None:
    """The id, or None where it cannot be one. Bounded before it is converted: int() refuses very long digits."""
    if not _HOMESTAY_ID.fullmatch(text):
        return None
    number = int(text)
    return number if number <= BIGINT_MAX else None


def resolve(path: str, query: str = "") -> str:
    """The page's address when `path` is one, its query encoded anew and without `lang`; else the home page."""
    if not _is_page(path):
        return HOME
    rest = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "lang"]
    return f"{path}?{urlencode(rest, errors='replace')}" if rest else path


def after_sign_in(target: str) -> str:
    """Where to go after signing in: `target`, a path with an optional query, if it is a page that needs no sign-in form."""
    path, _, query = target.partition("#")[0].partition("?")
    return HOME if path == SIGN_IN else resolve(path, query)


def _is_page(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if path in PLAIN or path in MOVED:
        return True
    if folder in OF_AN_ORDER:
        return is_order_sn(name)
    if folder in {OF_A_HOMESTAY, OF_A_HOSTS_HOMESTAY}:
        return homestay_id(name) is not None
    return f"/{name}" in HOSTS_PAGES and _is_hosts_homestay(folder)


def _is_hosts_homestay(path: str) -> bool:
    folder, _, number = path.rpartition("/")
    return folder == OF_A_HOSTS_HOMESTAY and homestay_id(number) is not None
