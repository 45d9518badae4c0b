"""The storefront's edge: which path shows which page. Pages hold nothing personal; the browser fetches that itself."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from gateway.storefront import LANGUAGES, PAGE_HEADERS, Storefront
from servicekit.schemas import BIGINT_MAX

Handler = Callable[[Request, Exception], Awaitable[Response]]

COOKIE = "minsu_lang"
A_YEAR = 365 * 24 * 3600
ORDER_SN = re.compile(r"[A-Z]{3}[0-9]{22}")

PLAIN = {"/": "homestays", "/signin": "signin", "/orders": "orders", "/merchant": "merchant"}
OF_AN_ORDER: dict[str, tuple[str, dict[str, Any]]] = {
    "/orders/{sn}": ("order", {}),
    "/pay/{sn}": ("pay", {}),
    "/waiting/{sn}": ("waiting", {}),
    "/paid/{sn}": ("order", {"justPaid": True}),
}


def router(show: "Showing") -> APIRouter:
    pages = APIRouter(include_in_schema=False, redirect_slashes=False)
    for path, name in PLAIN.items():
        pages.add_api_route(path, _plain(show, name), methods=["GET"])
    for path, (name, about) in OF_AN_ORDER.items():
        pages.add_api_route(path, _of_an_order(show, name, about), methods=["GET"])

    @pages.get("/homestays/{homestay_id:int}")
    async def homestay(request: Request, homestay_id: int) -> Response:
        if not 1 <= homestay_id <= BIGINT_MAX:
            raise HTTPException(404)
        return show(request, "homestay", {"homestayId": homestay_id})

    return pages


class Showing:
    """Answers a page in the reader's language, or keeps the language just chosen."""

    def __init__(self, storefront: Storefront) -> None:
        self._storefront = storefront

    def __call__(
        self, request: Request, name: str, about: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> Response:
        if (chosen := request.query_params.get("lang")) in LANGUAGES:
            return _remember(request, chosen)
        language = self._storefront.language(request.cookies.get(COOKIE), request.headers.get("accept-language", ""))
        origin = f"{request.url.scheme}://{request.url.netloc}"
        html = self._storefront.page(name, language=language, public_url=origin, about=about)
        return HTMLResponse(html, status_code=status, headers=PAGE_HEADERS)


def absent(show: Showing, otherwise: Handler) -> Handler:
    """For the app's 404s: a person who asks for a page gets one, a program its problem."""

    async def answer(request: Request, error: Exception) -> Response:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return show(request, "absent", status=404)
        return await otherwise(request, error)

    return answer


def _plain(show: Showing, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return show(request, name)

    return page


def _of_an_order(show: Showing, name: str, about: Mapping[str, Any]) -> Callable[[Request, str], Awaitable[Response]]:
    async def page(request: Request, sn: str) -> Response:
        if not ORDER_SN.fullmatch(sn):
            raise HTTPException(404)
        return show(request, name, {"sn": sn, **about})

    return page


def _remember(request: Request, language: str) -> Response:
    """Keep the choice for a year and show the page again, at an address that can be shared."""
    rest = request.url.remove_query_params("lang").query
    back = RedirectResponse(request.url.path + (f"?{rest}" if rest else ""), 303)
    back.set_cookie(COOKIE, language, max_age=A_YEAR, samesite="lax", httponly=True)
    return back
