"""Signing in and out. A wrong role is refused here, before there is a session."""

import contextlib

from fastapi.responses import RedirectResponse, Response

from gateway.console import addresses, notes
from gateway.console.errors import ServiceRefused, SessionEnded
from gateway.console.routing import new_router
from gateway.console.sessions import PATH, Session, forget, known_device, remember_device
from gateway.console.visits import Anyone, SignedIn, Visit, require_operator
from gateway.forwarding import client_address
from servicekit.errors import PeerUnavailable

router = new_router()


@router.get(addresses.SIGN_IN)
async def ask(visit: Anyone) -> Response:
    return _form(visit, target=visit.query.get("next", ""))


@router.post(addresses.SIGN_IN)
async def sign_in(visit: Anyone) -> Response:
    """A new session, and on to where the operator wanted to go. Raises NotOperator, Forged, PeerUnavailable."""
    form, console = visit.form, visit.console
    proof = {
        "mobile": form.get("mobile", "").strip(),
        "password": form.get("password", ""),
        "totpCode": form.get("code", "").strip(),
        "deviceToken": known_device(visit.request),
    }
    try:
        signed_in = await console.services.sign_in(proof, visit.language, client_address(visit.request.scope))
    except ServiceRefused as refused:
        return _form(visit, target=form.get("next", ""), refused=refused)
    if signed_in.needs in {"password", "code"}:
        return _form(visit, target=form.get("next", ""), needs=signed_in.needs)
    if signed_in.needs == "enrolment":
        response = RedirectResponse(addresses.SECOND_FACTOR, 303)
    else:
        await require_operator(console, signed_in.session)
        response = RedirectResponse(addresses.resolve(form.get("next", "")), 303)
    secure = console.secure(visit.request)
    signed_in.session.store(response, secure=secure)
    remember_device(response, signed_in.device, secure=secure)
    return response


@router.post("/console/signout")
async def sign_out(visit: SignedIn) -> Response:
    """Without usercenter the browser forgets the session all the same, which then ends by itself."""
    with contextlib.suppress(SessionEnded, ServiceRefused, PeerUnavailable):
        await visit.console.services.sign_out(visit.session, visit.language)
    visit.request.state.renewed = None
    response = RedirectResponse(addresses.SIGN_IN, 303)
    forget(response, secure=visit.console.secure(visit.request))
    return response


def _form(visit: Visit, *, target: str, refused: ServiceRefused | None = None, needs: str = "") -> Response:
    """Says that something was not done; the note about it is for the page after the sign-in. `needs`: what the account
    lacks for the operator role."""
    response = visit.page(
        "signin",
        status=refused.status if refused else 401 if needs else 200,
        needs=needs,
        target=addresses.resolve(target) if target else PATH,
        mobile=visit.form.get("mobile", ""),
        ended="ended" in visit.query,
        lost="kept" in notes.left(visit.request),
        refused=refused,
    )
    if Session.of(visit.request) is None:
        visit.session.store(response, secure=visit.console.secure(visit.request))
    return response
