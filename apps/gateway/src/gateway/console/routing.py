"""Routes of the console: what keeps a page from being shown becomes a page too; each page can switch the language."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.console import addresses, notes
from gateway.console.errors import Forged, NotOperator, ServiceRefused, SessionEnded
from gateway.console.sessions import Session, forget, pause_renewal
from gateway.console.visits import Console, Visit
from gateway.endpoints.pages import A_YEAR
from gateway.endpoints.pages import COOKIE as LANGUAGE_COOKIE
from gateway.forwarding import client_address
from gateway.storefront import LANGUAGES
from servicekit import security_log
from servicekit.errors import NotFound, PeerUnavailable, Problem

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def new_router() -> APIRouter:
    return APIRouter(include_in_schema=False, redirect_slashes=False, route_class=ConsoleRoute)


class ConsoleRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            console: Console = request.app.state.provided[Console]
            if request.method == "GET" and (early := _early(request, console)):
                return early
            try:
                response: Response = await handle(request)
            except (SessionEnded, NotOperator) as error:
                return _instead(request, console, error)
            except (Forged, ServiceRefused, Problem, HTTPException) as error:
                response = _instead(request, console, error)
            if renewed := getattr(request.state, "renewed", None):
                renewed.store(response, secure=console.secure(request))
            if getattr(request.state, "is_renewal_failed", False):
                pause_renewal(response, secure=console.secure(request))
            return response

        return page


def _early(request: Request, console: Console) -> Response | None:
    """The language just chosen; or, for a link from another site, which brings no session, a page that leads on."""
    if (chosen := request.query_params.get("lang")) in LANGUAGES:
        back = RedirectResponse(addresses.own(request), 303)
        secure = console.secure(request)
        back.set_cookie(LANGUAGE_COOKIE, chosen, max_age=A_YEAR, samesite="lax", httponly=True, secure=secure)
        return back
    if Session.of(request) is None and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        return _bare(request, console).page("arriving", address=addresses.own(request))
    return None


def _instead(request: Request, console: Console, error: Exception) -> Response:
    visit = _bare(request, console)
    match error:
        case SessionEnded():
            return _to_sign_in(request, console, visit)
        case NotOperator():
            response = visit.page("not_operator", status=403)
            forget(response, secure=console.secure(request))
            return response
        case Forged():
            security_log.event(
                "forbidden", reason="a form of no page of ours", route="/console", address=client_address(request.scope)
            )
            return visit.problem(403, "forged")
        case ServiceRefused():
            status = error.status if error.status < 500 or error.status == 503 else 502
            return visit.problem(status, "refused", message=error.message, reference=error.trace_id)
        case PeerUnavailable():
            return visit.problem(503, "unavailable", message=str(error).partition(":")[0])
        case HTTPException(status_code=404) | NotFound():
            return visit.problem(404, "absent")
    raise error


def _to_sign_in(request: Request, console: Console, visit: Visit) -> Response:
    """What was about to be done is not done: after the sign-in its page is shown again, with the reason that was typed."""
    had_session = bool(visit.session.token)
    if "hx-request" in request.headers:
        return Response(headers={"HX-Redirect": addresses.sign_in(_shown(request), ended=had_session)})
    response = RedirectResponse(addresses.sign_in(addresses.own(request), ended=had_session), 303)
    forget(response, secure=console.secure(request))
    if form := getattr(request.state, "form", None):
        notes.leave(response, addresses.own(request), {"kept": form.get("reason", "")}, secure=console.secure(request))
    return response


def _shown(request: Request) -> str:
    """The page that asked for a part of itself."""
    _, _, rest = request.headers.get("hx-current-url", "").partition("//")
    return "/" + rest.partition("/")[2]


def _bare(request: Request, console: Console) -> Visit:
    return Visit(console=console, request=request, session=Session.of(request) or Session())
