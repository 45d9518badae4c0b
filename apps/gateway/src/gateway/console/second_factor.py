"""Enrolment of an operator's authenticator app: the page between the first sign-in and the console, and where one is
replaced. The secret and the recovery codes are shown once, in the response to a form, and are in no address."""

from typing import Any

import segno
from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from gateway.console import addresses
from gateway.console.errors import ServiceRefused, SessionEnded
from gateway.console.routing import new_router
from gateway.console.visits import Anyone, Visit

router: APIRouter = new_router()


@router.get(addresses.SECOND_FACTOR)
async def ask(visit: Anyone) -> Response:
    """Asks for the password, and for a code where an authenticator is to be replaced."""
    return _page(_signed_in(visit), step="begin")


@router.post(f"{addresses.SECOND_FACTOR}/begin")
async def begin(visit: Anyone) -> Response:
    """Shows a new secret as a QR code, and asks for a code of it."""
    form, services = _signed_in(visit).form, visit.console.services
    try:
        made = await services.enrol(
            visit.session, form.get("password", ""), form.get("code", "").strip(), visit.language
        )
    except ServiceRefused as refused:
        return _page(visit, step="begin", refused=refused)
    return _page(visit, step="scan", secret=made["secret"], picture=_picture(made["otpauthUri"]))


@router.post(f"{addresses.SECOND_FACTOR}/confirm")
async def confirm(visit: Anyone) -> Response:
    """Shows the recovery codes; from now on the session is an operator's."""
    code = _signed_in(visit).form.get("code", "").strip()
    try:
        recovery_codes, visit.session = await visit.console.services.confirm(visit.session, code, visit.language)
    except ServiceRefused as refused:
        return _page(visit, step="scan", refused=refused)
    response = _page(visit, step="done", recovery_codes=recovery_codes)
    visit.session.store(response, secure=visit.console.secure(visit.request))
    return response


def _signed_in(visit: Visit) -> Visit:
    """The visit, if it has a session, with the operator role or not yet. Raises SessionEnded."""
    if not visit.session.token:
        raise SessionEnded
    return visit


def _page(visit: Visit, *, step: str, refused: ServiceRefused | None = None, **values: Any) -> Response:
    """Without the navigation until all is done: its pages would refuse a session without the operator role."""
    shown: dict[str, Any] = {"secret": "", "picture": "", "recovery_codes": (), "signed_in": step == "done"} | values
    return visit.page("second_factor", status=refused.status if refused else 200, step=step, refused=refused, **shown)


def _picture(uri: str) -> Markup:
    """An SVG element; its colours are attributes, which the page's policy allows."""
    return Markup(  # noqa: S704 - segno's own output, nothing that a person typed is in it as text
        segno.make(uri, error="m").svg_inline(scale=5, border=2, dark="#1d2a27", light="#ffffff", svgclass="qr")
    )
