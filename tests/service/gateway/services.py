"""What the storefront's pages ask services for, and what these let a page know: nothing but what a test says."""

import json
from typing import Any

import httpx

from servicekit.testing import FakeSidecar, Tokens


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
        """Let `path` succeed with `data` from now on."""
        self.answer(path.split("/")[1], path, {"code": 200, "msg": "OK", "data": data})

    def refuse(self, path: str, status: int, msg: str, **members: Any) -> None:
        """Let `path` be refused with a problem from now on."""
        headers = {"content-type": "application/problem+json"}
        problem = {"type": "/problems/test", "status": status, "code": 100399, "msg": msg, **members}
        self.answers[path.split("/")[1], path] = lambda _request: httpx.Response(status, json=problem, headers=headers)

    def sign_in(
        self,
        *roles: str,
        path: str = "/usercenter/v1/user/login",
        refresh_after: int = 4_000_000_000,
        needs: str | None = None,
    ) -> None:
        """Let `path` give out a token with these roles, which the gateway itself can verify; `needs`: what an operator
        lacks."""
        self.answer("usercenter", "/internal/jwks", {"keys": [self._tokens.jwk]})
        self.answer("usercenter", "/internal/revocations", {"users": []})
        self.data(path, self.token(*roles) | {"refreshAfter": refresh_after, "operatorNeeds": needs})

    def token(self, *roles: str, auth_time: int | None = None) -> dict[str, Any]:
        """As usercenter gives it out; `auth_time`: unix seconds, None is now."""
        bearer = self._tokens.bearer(7, *roles, auth_time=auth_time)["Authorization"].removeprefix("Bearer ")
        self.refreshes += 1
        times = {"accessExpire": 4_000_000_000, "refreshAfter": 4_000_000_000}
        return {"accessToken": bearer, "refreshToken": f"refresh-{self.refreshes}", **times}
