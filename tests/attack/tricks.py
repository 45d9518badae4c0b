"""Paths and headers that try to lead past the front door's table, sent byte for byte as they are written."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product

from tests.attack.report import ENDED, Attempt, side_by_side
from tests.attack.target import Target, request

INNER = {
    "order": ("internal/orderDetail", "events/payment-status", "jobs/order-close-unpaid"),
    "payment": ("internal/refund", "events/refund-requested", "jobs/payment-daily-payouts"),
    "usercenter": ("internal/grantRole", "internal/jwks"),
    "travel": ("internal/photoFile",),
    "notification": ("events/order-state", "jobs/notification-due"),
}
"""Some inner door of every kind, of every service."""
COMMON = ("dapr/subscribe", "dapr/config", "metrics", "docs", "openapi.json", "livez", "readyz")
WAYS: Mapping[str, str] = {
    "plainly": "/{app}/{path}",
    "with slashes": "//{app}//{path}",
    "out of the public part": "/{app}/v1/../{path}",
    "out of it, encoded": "/{app}/v1/%2e%2e/{path}",
    "out of it, encoded twice": "/{app}/v1/%252e%252e/{path}",
    "with an encoded slash": "/{app}/v1/..%2f{path}",
    "with a backslash": "/{app}/v1/..\\{path}",
    "with a parameter": "/{app}/v1/..;/{path}",
    "with a NUL": "/{app}/{path}%00/v1/user/login",
    "as an invocation": "/v1.0/invoke/{app}/method/{path}",
    "from another service": "/order/v1/../../{app}/{path}",
    "with a query": "/{app}/v1/user/login?/../../{path}",
    "as a fragment": "/{app}/{path}#/v1/user/login",
    "in other case": "/{app}/{upper}",
    "with a whole address": "http://{app}/{path}",
}
HIDDEN = frozenset({400, 403, 404, 405})
"""405: the path is one of the front door's pages, for another method."""
WITH_QUERY = frozenset({422, 404})
"""A query changes no path: what is before it is answered, or is not there."""
OPERATORS_LIST = "/order/v1/ops/actList"
HEADERS: Mapping[str, Mapping[str, str]] = {
    "an operator's id": {"X-User-Id": "1", "X-User-Roles": "operator", "X-Roles": "operator"},
    "a proxy's user": {"X-Forwarded-User": "operator", "X-Remote-User": "operator", "Remote-User": "operator"},
    "another address": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    "another path": {"X-Original-URL": "/usercenter/v1/user/login", "X-Rewrite-URL": "/livez"},
    "another method": {"X-HTTP-Method-Override": "GET", "X-Method-Override": "GET"},
    "an app's name": {"Dapr-Caller-App-Id": "gateway", "Dapr-App-Id": "order", "Dapr-Callee-App-Id": "order"},
    "a guessed app token": {"Dapr-Api-Token": "dapr", "Dapr-App-Token": "dapr"},
    "dropped headers": {"Connection": "authorization, dapr-caller-app-id"},
    "another host": {"Host": "order", "X-Forwarded-Host": "order"},
}
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get")
TOLD_OFF = frozenset({400, 404, 405, 501, ENDED})


def attempts(target: Target) -> Iterator[Attempt]:
    yield from side_by_side(partial(_path, target, *cell) for cell in product(_inner_paths(), WAYS))
    yield from _headers(target)
    yield from _framing(target)
    yield from _services(target)


def _inner_paths() -> Iterator[tuple[str, str]]:
    return ((app, path) for app, paths in INNER.items() for path in (*paths, *COMMON))


def _path(target: Target, inner: tuple[str, str], way: str) -> Attempt:
    app, path = inner
    written = WAYS[way].format(app=app, path=path, upper=path.upper())
    expected = WITH_QUERY if way == "with a query" else HIDDEN
    answered = target.raw(request("POST", written, target.bearer("operator")))
    return Attempt("paths", f"POST {written} ({way})", expected, answered)


def _headers(target: Target) -> Iterator[Attempt]:
    for what, headers in HEADERS.items():
        for who, expected in (("anonymous", {401}), ("stranger", {403})):
            sent = request("POST", OPERATORS_LIST, {**target.bearer(who), **headers})
            yield Attempt("headers", f"{OPERATORS_LIST} as {who}, with {what}", expected | {400}, target.raw(sent))
    for method in METHODS:
        sent = request(method, OPERATORS_LIST, target.bearer("operator"))
        yield Attempt("headers", f"{method} {OPERATORS_LIST}", TOLD_OFF, target.raw(sent))
    stranger, operator = target.bearer("stranger")["Authorization"], target.bearer("operator")["Authorization"]
    for first, last in ((stranger, operator), (operator, stranger)):
        twice = request("POST", OPERATORS_LIST, {"Authorization": first, "authorization": last})
        yield Attempt("headers", "two Authorization headers", {400, 401, 403}, target.raw(twice))


FRAMINGS: Mapping[str, bytes] = {
    "two lengths": b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}",
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, spelt otherwise": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}",
    "a header without a name": b": x\r\nContent-Length: 2\r\n\r\n{}",
    "a folded header": b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}",
    "a space before the colon": b"Content-Length : 2\r\n\r\n{}",
    "a NUL in a header": b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
}
"""Where two readers of one connection could see two different requests."""


def _framing(target: Target) -> Iterator[Attempt]:
    for what, rest in FRAMINGS.items():
        head = f"POST {OPERATORS_LIST} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n".encode()
        yield Attempt("headers", f"framing: {what}", {400, 401, 408, ENDED}, target.raw(head + rest))


def _services(target: Target) -> Iterator[Attempt]:
    """A service's own port, as something in its network could reach it: inner doors open to its sidecar alone."""
    for app, paths in INNER.items():
        url = target.system.environment[f"{app.upper()}_URL"]
        for path in (*paths, "dapr/subscribe"):
            for what, headers in {"no token": {}, "a guessed token": {"dapr-api-token": "x" * 32}}.items():
                answered = target.raw(request("POST", f"/{path}", headers), url)
                yield Attempt("services", f"{app}'s port: /{path}, {what}", {401}, answered)
