"""One request of an operator, as pages get it: who it is, what was sent, and how to ask services and to render."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends
from fastapi.responses import HTMLResponse, Response
from starlette.requests import Request

from gateway.console import addresses, notes
from gateway.console.asking import Reading, Services
from gateway.console.errors import Forged, NotOperator, ServiceRefused, SessionEnded
from gateway.console.navigation import NAVIGATION
from gateway.console.rendering import HEADERS, Renderer, Texts
from gateway.console.sessions import Session, is_from_elsewhere, is_of, is_renewal_paused
from gateway.endpoints.pages import COOKIE as LANGUAGE_COOKIE
from gateway.response_headers import is_https
from gateway.storefront import LANGUAGES
from servicekit import security_log
from servicekit.app import provided
from servicekit.auth import Principal, TokenVerifier
from servicekit.errors import InvalidInput, PeerUnavailable, Unauthenticated
from servicekit.messages import preferred_language
from servicekit.storable import storable
from servicekit.telemetry import traces

SECONDS = 5.0
"""How long one service may take of a page that asks several."""
RENEWAL_SECONDS = 1.0
"""How long a page waits for new tokens: those that it has are good for as long again."""
LEAST_SECONDS = 0.3
"""What a service is given on a page that is late already: most respond in a tenth of it."""
TYPING_SECONDS = 60
"""A page that is filled in for so long still finds the proof of identity fresh that it began with."""


@dataclass(kw_only=True, eq=False)
class Console:
    """What all pages share. `public_url` is where browsers reach us, `jaeger_url` where they see traces, `logs_url` where
    log lines (settings.py); empty: not set. `acts`: the names of all acts."""

    services: Services
    renderer: Renderer
    verifier: TokenVerifier
    public_url: str = ""
    jaeger_url: str = ""
    logs_url: str = ""
    acts: frozenset[str] = frozenset()

    def language(self, request: Request) -> str:
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language", ""))

    def secure(self, request: Request) -> bool:
        return is_https(request.scope["scheme"], https_only=self.public_url.startswith("https:"))


TheConsole = Annotated[Console, Depends(provided(Console))]


@dataclass(kw_only=True, eq=False)
class Visit:
    """`session` has no token on the sign-in page. `form` holds the fields of a POST, `note` what the page before left.
    `is_fresh`: whether the operator has proven who they are lately enough for acts on money. `began`: when it did, by the
    monotonic clock."""

    console: Console
    request: Request
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)
    is_fresh: bool = False
    began: float = field(default_factory=monotonic)

    @property
    def language(self) -> str:
        return self.console.language(self.request)

    @property
    def note(self) -> dict[str, Any]:
        """What was left for this very page."""
        note = notes.left(self.request)
        return note if note.get("page") == addresses.own(self.request) else {}

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    def texts(self, page: str) -> Texts:
        return self.console.renderer.texts(page, self.language)

    async def ask(self, service: str, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """`data` of `/<service>/v1/ops/<name>`; a refusal or no response becomes a page that says so (Services.ask)."""
        return await self.console.services.ask(self.session, self.language, service, name, body or {})

    async def read(
        self, service: str, name: str, body: Mapping[str, Any] | None = None, *, until: float | None = None
    ) -> Reading:
        """As `ask`, but what goes wrong is in the result: for pages that show several services (`asyncio.gather`). `until`:
        by when, in seconds since the visit began, for pages that ask in rounds; SECONDS from now without it."""
        seconds = SECONDS if until is None else max(self.began + until - monotonic(), LEAST_SECONDS)
        return await self.console.services.read(self.session, self.language, service, name, body or {}, seconds=seconds)

    async def prove(self, password: str, code: str) -> None:
        """Prove again who this is: the session's token from now on is one that acts on money take. Raises ServiceRefused,
        SessionEnded, PeerUnavailable."""
        self.session = await self.console.services.reauthenticate(self.session, password, code, self.language)
        self.request.state.renewed, self.is_fresh = self.session, True

    def page(self, page: str, *, status: int = 200, texts: str = "", **values: Any) -> Response:
        """`templates/console/<page>.html` with `values` and the texts of `texts` (else its own); shows the note that was
        left, once."""
        note = self.note
        here = addresses.own(self.request)
        shared = {
            "here": here,
            "here_in": f"{here}{'&' if '?' in here else '?'}lang=",
            "navigation": NAVIGATION,
            "acts": self.console.acts,
            "path": self.request.scope["path"],
            "csrf": self.session.csrf_token,
            "signed_in": bool(self.session.token),
            "done": note.get("done", ""),
            "trace_id": traces.current_id(),
        }
        html = self.console.renderer.html(page, texts or page, self.language, shared | values)
        response = HTMLResponse(html, status_code=status, headers=HEADERS)
        if note:
            notes.clear(response)
        return response

    def problem(self, status: int, kind: str, *, message: str = "", reference: str = "") -> Response:
        """A page that says why there is no other: `kind` names its texts, `reference` the trace of the service's log."""
        return self.page("problem", status=status, kind=kind, message=message, reference=reference)


async def visitor(request: Request, console: TheConsole) -> Visit:
    """Anyone, signed in or not. Raises Forged for a form that is not of our own page in this session."""
    form = await _form(request, console)
    session = Session.of(request)
    if request.method == "POST" and (session is None or not is_of(session, form)):
        raise Forged
    return Visit(console=console, request=request, session=session or Session(), form=form)


async def operator(request: Request, console: TheConsole) -> Visit:
    """An operator. Renews the tokens when half of their time is over. Raises Forged, SessionEnded, NotOperator, and
    PeerUnavailable while the token cannot be verified."""
    began = monotonic()
    form = await _form(request, console)
    session = Session.of(request)
    if session is None or not session.token:
        raise SessionEnded
    if request.method == "POST" and not is_of(session, form):
        raise Forged
    visit = Visit(console=console, request=request, session=session, form=form, began=began)
    if time() >= session.refresh_after and not is_renewal_paused(request):
        await _renew(visit)
    principal = await require_operator(console, visit.session)
    visit.is_fresh = principal.is_fresh(time() + TYPING_SECONDS)
    return visit


async def _renew(visit: Visit) -> None:
    """New tokens, where usercenter gives them; else the present ones may still be good, and this browser's next pages do
    not wait for it again for a while. Raises SessionEnded.

    Keys and the list of revoked tokens are usercenter's as well: if they are due, they are fetched at the same time."""
    services, state = visit.console.services, visit.request.state
    renewed, _ = await asyncio.gather(
        services.renew(visit.session, visit.language, seconds=RENEWAL_SECONDS),
        visit.console.verifier.principal(f"Bearer {visit.session.token}"),
        return_exceptions=True,
    )
    if isinstance(renewed, PeerUnavailable | ServiceRefused):
        state.is_renewal_failed = True
    elif isinstance(renewed, BaseException):
        raise renewed
    else:
        state.renewed = visit.session = renewed


async def require_operator(console: Console, session: Session) -> Principal:
    """Who it is. Raises SessionEnded, NotOperator, and PeerUnavailable while usercenter's keys cannot be had."""
    try:
        principal = await console.verifier.principal(f"Bearer {session.token}")
    except Unauthenticated:
        raise SessionEnded from None
    if "operator" not in principal.roles:
        security_log.event("forbidden", reason="no operator", route="/console", user_id=principal.user_id)
        raise NotOperator
    return principal


async def _form(request: Request, console: Console) -> dict[str, str]:
    """The fields of a POST. Raises Forged for one from another site."""
    if request.method == "GET":
        return {}
    if is_from_elsewhere(request, console.public_url):
        raise Forged
    try:
        body = (await request.body()).decode()
        fields = {storable(name): storable(value) for name, value in parse_qsl(body, keep_blank_values=True)}
    except ValueError:
        raise InvalidInput("must be text in UTF-8", field="body") from None
    request.state.form = fields
    return fields


Anyone = Annotated[Visit, Depends(visitor)]
SignedIn = Annotated[Visit, Depends(operator)]
