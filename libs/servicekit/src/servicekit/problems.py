"""The HTTP edge of errors: every refusal becomes `application/problem+json` (RFC 9457) with a message for the user."""

import json
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from servicekit import addresses, security_log
from servicekit.errors import Conflict, InvalidInput, NotFound, Problem
from servicekit.messages import Catalogue, preferred_language
from servicekit.schemas import ProblemDetails
from servicekit.telemetry import traces

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
UNROUTED = "unrouted"
PAST_MIDDLEWARE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""Of a 500 that nothing expected: Starlette sends it outside of all middleware, which adds these elsewhere."""


def install(app: FastAPI, catalogue: Catalogue) -> None:
    """Register the handlers; `catalogue` holds the user's messages."""

    async def on_problem(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, Problem)  # noqa: S101 - Starlette hands over what was registered
        if problem.status >= 500:
            log.warning("request failed", slug=problem.slug, detail=problem.detail, route=route_of(request.scope))
        note_refusal(request.scope, problem)
        return render(request, catalogue, problem)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        errors = [{"field": _field(each["loc"]), "message": str(each["msg"])} for each in error.errors()]
        detail = "; ".join(f"{each['field']}: {each['message']}" for each in errors[:5])
        return render(request, catalogue, InvalidInput(detail, field=errors[0]["field"]), errors=errors)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        response = render(request, catalogue, _of_status(error))
        response.headers.update(error.headers or {})
        return response

    async def on_gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)  # no client left to read it: it disconnected in the middle of its body

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", route=route_of(request.scope), exc_info=error)
        response = render(request, catalogue, Problem("an unexpected error; the log has it under the trace id"))
        response.headers.update(PAST_MIDDLEWARE | {"Trace-Id": traces.current_id()})
        return response

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(ClientDisconnect, on_gone)
    app.add_exception_handler(Exception, on_bug)
    _describe(app)


def _describe(app: FastAPI) -> None:
    """In the OpenAPI document, too, problems have their own media type: FastAPI gives them the endpoint's."""
    plain = app.openapi
    of_problem = {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}

    def openapi() -> dict[str, Any]:
        document = plain()
        for operation in (each for methods in document["paths"].values() for each in methods.values()):
            for response in operation["responses"].values():
                if response.get("content") == {"application/json": of_problem}:
                    response["content"] = {MEDIA_TYPE: of_problem}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual extends it


def route_of(scope: Scope) -> str:
    """The template of the route that was found, as logs and metrics have it; never the path, which may hold a secret."""
    return getattr(scope.get("route"), "path", UNROUTED)


def note_refusal(scope: Scope, problem: Problem) -> None:
    """Into the security log, if it belongs there."""
    if problem.security_kind:
        security_log.event(
            problem.security_kind,
            reason=problem.detail,
            route=route_of(scope),
            address=addresses.of_client(scope),
            user_id=getattr(scope.get("principal"), "user_id", None),
        )


def declared(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """`responses=` of an endpoint: the problems that it raises, by status, each with its slug and number."""
    statuses = sorted({kind.status for kind in kinds})
    return {
        status: {
            "model": ProblemDetails,
            "description": ", ".join(f"{kind.slug} ({kind.code})" for kind in kinds if kind.status == status),
        }
        for status in statuses
    }


def render(
    request: Request, catalogue: Catalogue, problem: Problem, *, errors: list[dict[str, str]] | None = None
) -> JSONResponse:
    language = preferred_language(request.headers.get("accept-language", ""))
    body: dict[str, object] = {
        "type": f"/problems/{problem.slug}",
        "title": catalogue.text(problem.slug, "en", **problem.params),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "msg": catalogue.text(problem.slug, language, **problem.params),
        "trace_id": traces.current_id(),
    }
    if problem.field:
        body["field"] = problem.field
    if errors:
        body["errors"] = errors
    body |= {to_camel(name): problem.params[name] for name in problem.members}
    headers = {"Content-Language": "zh-CN" if language == "zh" else "en"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _ProblemResponse(body, status_code=problem.status, headers=headers)


class _ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Also where it quotes input that UTF-8 cannot encode."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _field(location: tuple[int | str, ...] | list[int | str]) -> str:
    """`("body", "liveEndTime")` → `liveEndTime`; a body that is no JSON at all is called `body`."""
    parts = [str(part) for part in location if part not in {"body", "query", "path", "header"}]
    if len(location) > 1 and isinstance(location[1], int):  # ("body", 17): where the JSON broke
        return "body"
    return ".".join(parts) or "body"


class _MethodNotAllowed(Conflict):
    status, code, slug = 405, 100107, "method-not-allowed"


def _of_status(error: HTTPException) -> Problem:
    if error.status_code == 405:
        return _MethodNotAllowed(str(error.detail))
    if error.status_code == 404:
        return NotFound("no such path")
    return InvalidInput(str(error.detail), field="body")
