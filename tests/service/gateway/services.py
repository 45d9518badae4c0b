"""What the storefront's pages ask services for, and what these let a page know: nothing but what a test says."""

import json
from typing import Any

import httpx

from servicekit.testing import FakeSidecar, Tokens
from tests.support.published import published_problem, require_as_published

LOGIN = "/usercenter/v1/user/login"
DEVICE_TOKEN = "7.0.1795000000.00ff00ff00ff00ff." + "ab" * 32
"""What a sign-in gives the device to keep."""


def refusal(path: str, slug: str, **members: Any) -> httpx.Response:
    """How `path` refuses with the problem `slug` (contracts/problems.json). Raises AssertionError where it never does."""
    problem = published_problem(path.split("/")[1], path, slug, **members)
    return httpx.Response(problem["status"], json=problem, headers={"content-type": "application/problem+json"})


class Services(FakeSidecar):
    """`asked`: what was asked of `path`, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, list[Any]] = {}
        self.keys: list[str] = []
        self.refreshes = 0
        """How many refresh tokens were given out: `refresh-1`, `refresh-2` …"""
        self._tokens = Tokens()

    async def invoke(self, app_id, method, path, **parts):
        if content := parts.get("content"):
            self.asked.setdefault(path, []).append(json.loads(content))
        if key := (parts.get("headers") or {}).get("idempotency-key"):
            self.keys.append(key)
        return await super().invoke(app_id, method, path, **parts)

    def data(self, path: str, data: Any) -> None:
        """Let `path` succeed with `data` from now on. Raises AssertionError where its service would not respond so."""
        service, body = path.split("/")[1], {"code": 200, "msg": "OK", "data": data}
        require_as_published(service, path, body)
        self.answer(service, path, body)

    def of_another_version(self, path: str, data: Any) -> None:
        """Let `path` succeed with `data` from now on, which this version of its service does not say, but a replica of
        another version that runs beside it during a release."""
        self.answer(path.split("/")[1], path, {"code": 200, "msg": "OK", "data": data})

    def refuse(self, path: str, slug: str, **members: Any) -> None:
        """Let `path` be refused from now on, as `refusal`."""
        response = refusal(path, slug, **members)
        self.answers[path.split("/")[1], path] = lambda _request: response

    def sign_in(
        self,
        *roles: str,
        path: str = LOGIN,
        refresh_after: int = 4_000_000_000,
        needs: str | None = None,
        auth_time: int | None = None,
    ) -> None:
        """Let `path` give out a token with these roles, which the gateway itself can verify; `needs`: what an operator
        lacks; `auth_time`: unix seconds, None is now."""
        self.answer("usercenter", "/internal/jwks", {"keys": [self._tokens.jwk]})
        self.answer("usercenter", "/internal/revocations", {"users": []})
        token = self.token(*roles, auth_time=auth_time) | {"refreshAfter": refresh_after, "operatorNeeds": needs}
        self.data(path, token | {"deviceToken": DEVICE_TOKEN} if path == LOGIN else token)

    def token(self, *roles: str, auth_time: int | None = None) -> dict[str, Any]:
        """As usercenter gives it out; `auth_time`: unix seconds, None is now."""
        bearer = self._tokens.bearer(7, *roles, auth_time=auth_time)["Authorization"].removeprefix("Bearer ")
        self.refreshes += 1
        times = {"accessExpire": 4_000_000_000, "refreshAfter": 4_000_000_000}
        return {"accessToken": bearer, "refreshToken": f"refresh-{self.refreshes}", "operatorNeeds": None, **times}
