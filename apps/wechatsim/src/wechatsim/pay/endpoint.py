"""api.mch.weixin.qq.com: authenticate, handle, sign. Only 2xx responses are signed (wechat-pay-v3.md §1.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from wechatsim import errors, wire
from wechatsim.errors import PayError
from wechatsim.pay import orders
from wechatsim.signing import auth, signatures
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.wire import WireResponse

Handler = Callable[[Sim, Merchant, Request, bytes], dict[str, Any] | bytes | None]
Endpoint = Callable[[Request], Awaitable[Response]]
_JSON = ("Content-Type", "application/json; charset=utf-8")
_FILE = ("Content-Type", "application/octet-stream")
_MAX_BODY = 1 << 20
_log = logging.getLogger("wechatsim.pay")


def target_of(request: Request) -> bytes:
    """Path and query exactly as on the request line: the bytes that were signed (wechat-pay-v3.md §1.1)."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def error_response(error: PayError) -> WireResponse:
    """{"code","message"[,"detail"]}, unsigned."""
    headers = [*wire.base_headers(error.number), _JSON]
    return WireResponse(error.status, headers, wire.dumps(error.body()))


def endpoint(handler: Handler) -> Endpoint:
    """The ASGI endpoint of one v3 operation: `handler` returns the JSON object, bytes of a file, or None for 204."""

    async def serve(request: Request) -> Response:
        sim: Sim = request.app.state.sim
        try:
            merchant, body = await _authenticate(sim, request)
            apply_early_faults(sim, request, body)
            content = handler(sim, merchant, request, body)
        except PayError as error:
            _log.info("%s %s: %s", request.method, request.url.path, error)
            return error_response(error)
        if isinstance(content, bytes):
            # Bill files are the only unsigned 2xx responses (wechat-pay-v3.md §1.2).
            return WireResponse(HTTPStatus.OK, [*wire.base_headers(), _FILE], content)
        return await _respond(sim, merchant, request, body, content)

    return serve


async def _authenticate(sim: Sim, request: Request) -> tuple[Merchant, bytes]:
    target = target_of(request)
    headers = request.headers
    if not target.startswith(b"/v3/pay/transactions") and not (headers.get("accept") and headers.get("user-agent")):
        raise errors.invalid_request("Http头缺少Accept或User-Agent")
    body = await request.body()
    if len(body) > _MAX_BODY:
        raise errors.invalid_request("请求体过大")
    authorization, now = headers.get("authorization", ""), sim.clock.real()
    return auth.authenticate(sim.merchants, request.method, target, authorization, body, now=now), body


def _subject(request: Request, body: bytes) -> str:
    return f"{request.method} {target_of(request).decode('latin-1')} {body.decode(errors='replace')}"


def apply_early_faults(sim: Sim, request: Request, body: bytes) -> None:
    """Raise the error of a fault that applies before the request is handled."""
    subject = _subject(request, body)
    if sim.faults.consume("api-5xx", subject) is not None:
        raise _system_error()
    if sim.faults.consume("api-429", subject) is not None:
        raise PayError(HTTPStatus.TOO_MANY_REQUESTS, "FREQUENCY_LIMITED", "频率超限")


def _system_error() -> PayError:
    return PayError(HTTPStatus.INTERNAL_SERVER_ERROR, "SYSTEM_ERROR", "系统异常，请稍后重试")


def _total(content: dict[str, Any] | None, body: bytes) -> int:
    """The amount in fen that selects a magic fault: the request's if it has one, else the response's."""
    if not body and not content:
        return 0
    found = orders.total_in(body) if body else 0
    if not found and content:
        amount = content.get("amount")
        found = amount.get("total", 0) if isinstance(amount, dict) else 0
    return int(found)


async def _respond(
    sim: Sim, merchant: Merchant, request: Request, body: bytes, content: dict[str, Any] | None
) -> Response:
    subject, total = _subject(request, body), _total(content, body)
    faults = sim.faults
    slow = faults.consume("api-slow", subject, total)
    if slow is not None:
        await asyncio.sleep(slow)
    if faults.consume("api-5xx-after", subject, total) is not None:
        return error_response(_system_error())
    status = HTTPStatus.NO_CONTENT if content is None else HTTPStatus.OK
    response = b"" if content is None else wire.dumps(content)
    signer = merchant.signer(request.headers.get("wechatpay-serial", ""))
    if faults.consume("api-other-key", subject, total) is not None:
        signer = signatures.other_signer(merchant)
    signed = dict(signatures.headers(signer, response, sim.clock.real()))
    if faults.consume("api-signtest", subject, total) is not None:
        signed["Wechatpay-Signature"] = signatures.signtest()
    if faults.consume("api-bad-signature", subject, total) is not None:
        signed["Wechatpay-Nonce"] = signed["Wechatpay-Nonce"][::-1]
    # A 204 has a Content-Type as well: one SDK reads it on every success.
    headers = [*wire.base_headers(), *signed.items(), _JSON]
    dropped = faults.consume("api-drop-after", subject, total) is not None
    return WireResponse(status, headers, response, content_length=len(response) + 1 if dropped else None)
