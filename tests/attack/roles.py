"""Every public path by each role that may not use it, and by one that may, so that a path closed to all shows as well."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from gateway.routes import PUBLIC, PublicRoute, Who
from tests.attack.report import Attempt, side_by_side
from tests.attack.target import Target
from tests.support.mutations import valid
from tests.support.openapi import DOCUMENTS, body_schema

BUYERS_OF_HOSTS_PATHS = ("/travel/v1/host/apply", "/travel/v1/host/application")
"""What a buyer uses to become a host."""
ALL_CALLERS = ("anonymous", "buyer", "merchant", "operator")
UNSHAPED: list[Any] = []
"""A body that no method takes: who is let in is told so, and nothing happens."""


def allowed(route: PublicRoute) -> tuple[str, ...]:
    """The roles a path is for, by its name (docs/architecture.md): `/ops/` for operators, `/host/` and `/merchant/` for
    merchants, everything else for any signed-in user, or for all."""
    if route.who is Who.WECHAT:
        return ()
    if route.who is Who.ANYONE:
        return ALL_CALLERS
    if "/ops/" in route.path:
        return ("operator",)
    if route.path in BUYERS_OF_HOSTS_PATHS:
        return ("buyer", "merchant", "operator")
    if "/host/" in route.path or "/merchant/" in route.path:
        return ("merchant",)
    return ("buyer", "merchant", "operator")


def sound_body(route: PublicRoute) -> Any:
    """One that passes the method's schema: a refusal is then for who asks, not for what."""
    schema = body_schema(route)
    return valid(schema, DOCUMENTS[route.app_id]) if schema else {}


def attempts(target: Target) -> Iterator[Attempt]:
    return side_by_side(partial(_attempt, target, route, who) for route in PUBLIC for who in ALL_CALLERS)


def _attempt(target: Target, route: PublicRoute, who: str) -> Attempt:
    what = f"{route.path} as {who}"
    if route.who is Who.WECHAT:
        return Attempt("roles", what, {401}, target.post(route.path, sound_body(route), who))
    if who in allowed(route):
        return Attempt("roles", what, {200, 422}, target.post(route.path, UNSHAPED, who))
    expected = 401 if who == "anonymous" else 403
    return Attempt("roles", what, {expected}, target.post(route.path, sound_body(route), who))
