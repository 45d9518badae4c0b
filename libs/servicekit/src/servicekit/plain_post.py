"""A creating POST of a signed-in user, served past FastAPI (direct.py): its layers cost more than an order.

The route of the same path stays. It gets whatever is not plain: no JSON, a body or key that is refused, no valid token; so
one place says what is wrong, and how.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel
from pydantic_core import from_json
from starlette.requests import Request

from servicekit.direct import NotPlain, Receive, Scope, Send, read_before
from servicekit.errors import Problem
from servicekit.idempotency import Idempotency, is_key
from servicekit.schemas import Ok
from servicekit.storable import is_suspect

B = TypeVar("B", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlainPost(Generic[B, A]):
    """`create` gets the body, the user's id and the Idempotency-Key, and may raise problems. It runs once for each key."""

    body: type[B]
    answer: type[A]
    create: Callable[[B, int, str | None], Awaitable[A]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        document = (await receive())["body"]  # whole: the gatekeeper has read it
        headers = dict(reversed(scope["headers"]))  # of one that is there twice the first counts
        body = self._read(headers, document)
        key = headers[b"idempotency-key"].decode("latin-1") if b"idempotency-key" in headers else None
        if body is None or (key is not None and not is_key(key)):
            raise NotPlain(read_before(document, receive))
        state = scope["app"].state
        try:
            user = await state.token_verifier.principal(headers.get(b"authorization", b"").decode("latin-1"))
            state.user_limit.take(str(user.user_id))
        except Problem:
            raise NotPlain(read_before(document, receive)) from None
        try:
            result, replayed = await self._created(state.idempotency, scope["path"], body, user.user_id, key)
        except Problem as problem:
            response = await scope["app"].exception_handlers[Problem](Request(scope), problem)
            await response(scope, receive, send)
            return
        content = Ok(data=result).model_dump_json(by_alias=True).encode()
        sent = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        if replayed:
            sent.append((b"idempotent-replayed", b"true"))
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    def _read(self, headers: dict[bytes, bytes], document: bytes) -> B | None:
        """The body; None for one that FastAPI would refuse, or would read as something else than JSON."""
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            return None
        if is_suspect(document):
            return None
        try:
            return self.body.model_validate(from_json(document))
        except (ValueError, RecursionError):  # ValidationError is one
            return None

    async def _created(self, keys: Idempotency, path: str, body: B, user_id: int, key: str | None) -> tuple[A, bool]:
        async def create() -> A:
            return await self.create(body, user_id, key)

        if key is None:
            return await create(), False
        return await keys.once(f"{user_id}:{path}", key, body, self.answer, create)
