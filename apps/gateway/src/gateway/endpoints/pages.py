"""The storefront's endpoints: which path shows which page. Pages hold no personal data; the browser fetches it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from gateway import addresses
from gateway.response_headers import is_https
from gateway.storefront import LANGUAGES, PAGE_HEADERS, Storefront

Handler = Callable[[Request, Exception], Awaitable[Response]]

COOKIE = "minsu_lang"
A_YEAR = 365 * 24 * 3600


def router(show: "PageRenderer") -> APIRouter:
    pages = APIRouter(include_in_schema=False, redirect_slashes=False)
    for path, name in addresses.PLAIN.items():
        pages.add_api_route(path, _sign_in(show) if path == addresses.SIGN_IN else _plain(show, name), methods=["GET"])
    for folder, (name, about) in addresses.OF_AN_ORDER.items():
        pages.add_api_route(f"{folder}/{{sn}}", _of_an_order(show, name, about), methods=["GET"])

    pages.add_api_route(f"{addresses.OF_A_HOMESTAY}/{{number}}", _of_a_homestay(show, "homestay"), methods=["GET"])
    for ending, name in addresses.HOSTS_PAGES.items():
        path = f"{addresses.OF_A_HOSTS_HOMESTAY}/{{number}}{ending}"
        pages.add_api_route(path, _of_a_homestay(show, name), methods=["GET"])
    for old, new in addresses.MOVED.items():
        pages.add_api_route(old, _moved(new), methods=["GET"])
    return pages


class PageRenderer:
    """Renders a page in the reader's language, or stores the language just chosen."""

    def __init__(self, storefront: Storefront, *, https_only: bool) -> None:
        self._storefront, self._https_only = storefront, https_only

    def __call__(
        self, request: Request, name: str, about: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> Response:
        if (chosen := request.query_params.get("lang")) in LANGUAGES:
            return _remember(request, chosen, secure=is_https(request.scope["scheme"], https_only=self._https_only))
        language = self._storefront.language(request.cookies.get(COOKIE), request.headers.get("accept-language", ""))
        html = self._storefront.page(name, language=language, about=about)
        return HTMLResponse(html, status_code=status, headers=PAGE_HEADERS)


def absent(show: PageRenderer, otherwise: Handler) -> Handler:
    """The handler of 404s: browsers get a page, API clients a problem document."""

    async def answer(request: Request, error: Exception) -> Response:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return show(request, "absent", status=404)
        return await otherwise(request, error)

    return answer


def _plain(show: PageRenderer, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return show(request, name)

    return page


def _sign_in(show: PageRenderer) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return show(request, "signin", {"next": addresses.after_sign_in(request.query_params.get("next", ""))})

    return page


def _of_an_order(
    show: PageRenderer, name: str, about: Mapping[str, Any]
) -> Callable[[Request, str], Awaitable[Response]]:
    async def page(request: Request, sn: str) -> Response:
        if not addresses.is_order_sn(sn):
            raise HTTPException(404)
        return show(request, name, {"sn": sn, **about})

    return page


def _of_a_homestay(show: PageRenderer, name: str) -> Callable[[Request, str], Awaitable[Response]]:
    async def page(request: Request, number: str) -> Response:
        if (homestay_id := addresses.homestay_id(number)) is None:
            raise HTTPException(404)
        return show(request, name, {"homestayId": homestay_id})

    return page


def _moved(path: str) -> Callable[[], Awaitable[Response]]:
    async def redirect() -> Response:
        return RedirectResponse(path, 308)

    return redirect


def _remember(request: Request, language: str, *, secure: bool) -> Response:
    """Keep the choice for a year and show the page again, at an address that can be shared."""
    query = request.scope["query_string"].decode("latin-1")  # any bytes may stand there
    back = RedirectResponse(addresses.resolve(request.scope["path"], query), 303)
    back.set_cookie(COOKIE, language, max_age=A_YEAR, samesite="lax", httponly=True, secure=secure)
    return back
