"""A Minsu of a few lines, and a sandbox, both over httpx's mock transport."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

SN = "HSO2026112309302612345678"
Answers = dict[str, Callable[[dict[str, Any]], httpx.Response]]


def ok(data: Any) -> httpx.Response:
    return httpx.Response(200, json={"code": 200, "msg": "OK", "data": data})


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, json=members, headers={"Content-Type": "application/problem+json"})


class World:
    """Answers by path; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.asked: list[tuple[str, dict[str, Any], httpx.Headers]] = []
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"{}")
        self.asked.append((request.url.path, body, request.headers))
        return self.answers[request.url.path](body)

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


@pytest.fixture
def world() -> World:
    return World()
