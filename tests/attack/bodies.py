"""Bodies that are made to break a parser: every public path, as who may use it. Refused or ignored, and never a 5xx."""

from collections.abc import Iterator, Mapping
from functools import partial

from gateway.routes import PUBLIC, PublicRoute, Who
from tests.attack.report import ENDED, Attempt, side_by_side
from tests.attack.roles import allowed
from tests.attack.target import Target

BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"a":',
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a NUL": b'{"sn": "\\u0000", "id": "\\u0000", "homestayId": "\\u0000"}',
    "half a surrogate": b'{"sn": "\\ud800", "orderSn": "\\ud800", "remark": "\\ud800"}',
    "a hundred thousand brackets": b"[" * 100_000,
    "fifty thousand objects": b'{"a":' * 50_000,
    "no number": b'{"id": NaN, "homestayId": Infinity, "page": -Infinity}',
    "a number of ten thousand digits": b'{"id": ' + b"9" * 10_000 + b"}",
    "a number like 1e400": b'{"id": 1e400, "homestayId": 1e400, "lastId": 1e400}',
    "the same name twice": b'{"id": 1, "id": "x", "sn": "a", "sn": 5}',
    "a megabyte of one text": b'{"sn": "' + b"x" * 1_000_000 + b'"}',
    "sixty thousand names": b"{" + b",".join(b'"n%d": 1' % number for number in range(60_000)) + b"}",
    "names of a prototype": b'{"__proto__": {"role": "operator"}, "constructor": 1, "__class__": 1}',
    "a form": b"sn=1&id=2",
}
LARGE = 40_000
"""From this size on a body is sent to the first path of each service: what bounds it stands before all paths."""
REFUSED = frozenset({200, 400, 404, 408, 413, 422, 429, ENDED})
"""200 where a method takes no body, or takes these members for unknown ones."""


def attempts(target: Target) -> Iterator[Attempt]:
    return side_by_side(partial(_attempt, target, route, what) for route, what in _cells())


def _cells() -> Iterator[tuple[PublicRoute, str]]:
    seen: set[str] = set()
    for route in PUBLIC:
        is_first = route.app_id not in seen
        seen.add(route.app_id)
        yield from ((route, what) for what, body in BODIES.items() if len(body) < LARGE or is_first)


def _attempt(target: Target, route: PublicRoute, what: str) -> Attempt:
    who = "buyer" if route.who is Who.WECHAT else allowed(route)[-1 if "/ops/" in route.path else 0]
    expected = REFUSED | {401} if route.who is Who.WECHAT else REFUSED
    headers = {"Content-Type": "application/json", **target.bearer(who, route.path)}
    response = target.system.gateway.post(route.path, content=BODIES[what], headers=headers)
    damage = "it shows a traceback" if "Traceback" in response.text else ""
    return Attempt("bodies", f"{route.path}: {what}", expected, response.status_code, damage)
