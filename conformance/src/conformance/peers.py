"""order and usercenter, played: what the app asks them by invocation, in the shapes of contracts/openapi."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.operators import SignIn
from conformance.standins import Answer, Request, Response

NOT_FOUND = Response.of({"type": "about:blank", "status": 404}, 404)


@dataclass
class Peer:
    """Answers by path. `slow_seconds` before each; `calls` are the requests so far."""

    answers: Mapping[str, Answer]
    slow_seconds: float = 0.0
    status: int | None = None
    """Responded instead of any answer."""
    calls: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response | None:
        if request.path in {"/livez", "/readyz"}:
            return Response.of({})
        self.calls.append(request)
        time.sleep(self.slow_seconds)
        if self.status is not None:
            return Response.of({"status": self.status}, self.status)
        answer = self.answers.get(request.path)
        return answer(request) if answer else NOT_FOUND

    def restore(self) -> None:
        self.slow_seconds, self.status = 0.0, None


class Orders:
    """Orders by number. What an order says may be changed at any time."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.peer = Peer({"/internal/orders": self._several, "/internal/orderDetail": self._one})

    def _several(self, request: Request) -> Response:
        wanted = request.json()["orderSns"]
        return Response.of({"orders": [self.found[each] for each in wanted if each in self.found]})

    def _one(self, request: Request) -> Response:
        order = self.found.get(request.json()["orderSn"])
        return NOT_FOUND if order is None else Response.of(order)


class Users:
    """Openids by user id, and the key that signs tokens."""

    def __init__(self) -> None:
        self.openids: dict[int, str] = {}
        self.sign_in = SignIn()
        self._ids = itertools.count(1001)
        self.peer = Peer(
            {
                "/internal/openids": self._several,
                "/internal/authByUser": self._one,
                "/internal/jwks": lambda _: Response.of(self.sign_in.jwks()),
                "/internal/revocations": lambda _: Response.of({"users": [], "sessions": [], "issuedUntil": 0}),
            }
        )

    def new_id(self) -> int:
        return next(self._ids)

    def _several(self, request: Request) -> Response:
        wanted = [each for each in request.json()["userIds"] if each in self.openids]
        return Response.of({"openids": [{"userId": each, "openid": self.openids[each]} for each in wanted]})

    def _one(self, request: Request) -> Response:
        asked = request.json()
        if asked["userId"] not in self.openids:
            return NOT_FOUND
        openid = self.openids[asked["userId"]]
        return Response.of({**asked, "authKey": openid})
