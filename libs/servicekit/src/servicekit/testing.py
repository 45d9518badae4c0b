"""For tests of services: a client over ASGI with the lifespan entered, tokens, and a sidecar that records calls.

The fakes are for unit and service tests alone; whatever is about delivery runs against the real daprd.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from servicekit.auth import ALGORITHM, AUDIENCE, ISSUER, TokenVerifier
from servicekit.callers import CALLER
from servicekit.clock import unix
from servicekit.errors import PeerUnavailable
from servicekit.sidecar import BindingRefused, Sidecar, SidecarMetadata

APP_TOKEN = "test-app-token-0123456789"  # noqa: S105 - of tests only
Answer = Callable[[httpx.Request], httpx.Response]


class FakeSidecar(Sidecar):
    """Responds to invocations from `answers`, keyed `(app_id, path)`; a missing one is a dead peer. Publishes nothing."""

    def __init__(self) -> None:
        super().__init__("http://sidecar.invalid", "")
        self.answers: dict[tuple[str, str], Answer] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.not_read: set[str] = set()
        """Topics that it does not read; all others it does."""
        self.needed: frozenset[str] = frozenset()
        """The topics that it was asked about last."""
        self.handed_over: list[tuple[str, str, Any]] = []
        """(binding, operation, data), oldest first."""
        self.objects: dict[tuple[str, str], bytes] = {}
        """What a binding for files holds, by binding and file name."""
        self.secrets: dict[str, dict[str, str]] = {}
        """What the secret store holds, by the secret's name; another name is a store that does not answer."""
        self.bindings_are_away = False
        self.found = SidecarMetadata(version="1.18.2", components={}, topics=frozenset())
        """What it tells about itself."""

    def answer(self, app_id: str, path: str, body: Any = None, status: int = 200) -> None:
        """Let `path` of `app_id` answer `body` from now on."""
        self.answers[app_id, path] = lambda _request: httpx.Response(status, json=body)

    async def secret(self, store: str, name: str) -> dict[str, str]:  # noqa: ARG002 - as the sidecar
        if name not in self.secrets:
            raise PeerUnavailable(f"secret {name}: the store is away")
        return dict(self.secrets[name])

    async def invoke(
        self,
        app_id: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,  # noqa: ARG002 - it responds at once
    ) -> httpx.Response:
        self.calls.append((app_id, path, json))
        request = httpx.Request(
            method, f"http://{app_id}{path}", json=json, content=content, headers=dict(headers or {})
        )
        try:
            found = self.answers[app_id, path]
        except KeyError:
            raise PeerUnavailable(f"{app_id}: no answer for {path} in this test") from None
        return found(request)

    async def invoke_binding(
        self,
        name: str,
        operation: str,
        data: Mapping[str, Any] | bytes | None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bytes:
        if self.bindings_are_away:
            raise PeerUnavailable(f"binding {name}: down in this test")
        if metadata is None or "fileName" not in metadata:
            self.handed_over.append((name, operation, data))
            return b""
        file = name, metadata["fileName"]
        if operation == "create":
            self.objects[file] = bytes(data)  # type: ignore[arg-type]  # files are bytes
            return b"{}"
        if file not in self.objects:
            raise BindingRefused(f"binding {name}: refused", "no such file or directory")
        return self.objects[file] if operation == "get" else self.objects.pop(file)[:0]

    async def is_ready(self) -> bool:
        return True

    async def metadata(self) -> SidecarMetadata:
        return self.found

    async def missing(self, topics: Collection[str]) -> frozenset[str]:
        self.needed = frozenset(topics)
        return self.needed & self.not_read


class Tokens:
    """Issues what usercenter issues, with a key of the test's own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = {
            **jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True),
            "kid": "test",
            "alg": ALGORITHM,
        }

    def verifier(self) -> TokenVerifier:
        async def source() -> dict[str, Any]:
            return {"keys": [self.jwk]}

        return TokenVerifier(source)

    def bearer(
        self,
        user_id: int,
        *roles: str,
        expires_in: timedelta = timedelta(hours=1),
        issued_in: timedelta = timedelta(),
        generation: int = 0,
        session_id: int = 0,
        auth_time: int | None = None,
        amr: Collection[str] = ("pwd",),
    ) -> dict[str, str]:
        """`auth_time` (unix seconds): None is now."""
        now = datetime.now(UTC)
        claims = {
            "sub": str(user_id),
            "roles": list(roles or ("buyer",)),
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now + issued_in,
            "exp": now + expires_in,
            "gen": generation,
            "sid": str(session_id),
            "auth_time": unix(now) if auth_time is None else auth_time,
            "amr": [*amr],
        }
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": "test"})
        return {"Authorization": f"Bearer {token}"}


SIDECAR_HEADERS = {"dapr-api-token": APP_TOKEN}
"""What a service's own sidecar sends: opens /events, /jobs and /dapr in tests."""


def called_by(app_id: str) -> dict[str, str]:
    """What a service's own sidecar sends with the call of another app: opens /internal to that app."""
    return {**SIDECAR_HEADERS, CALLER: app_id}


@contextlib.asynccontextmanager
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` in this process, its lifespan entered."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
            yield http
