"""Everything that an operator does from the console: one page that says what will be done and to what, and asks why.

The confirmation's address names the act and its object, so it survives a sign-in; the reason goes into the service's audit
as the act's `note`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from gateway.console import addresses, notes
from gateway.console.errors import ServiceRefused
from gateway.console.present import Look, known
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit
from servicekit.errors import PeerUnavailable

MOST_REASON = 256
REAUTHENTICATION_REQUIRED = "reauthentication-required"


@dataclass(frozen=True, kw_only=True)
class Input:
    """A field of the confirmation beside the reason; its label is `act_<act>_<name>` of the act's page. `options` makes it
    a choice; a secret is never shown again."""

    name: str
    options: tuple[str, ...] = ()
    required: bool = True
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Act:
    """`page` holds the texts: `act_<name>` (the button), `act_<name>_does` (what it will do) and `act_<name>_done`, which
    may quote `params`; the second also what `look` finds now, the last one members of the response. `service` None: the
    address names it, as a param. `body` makes the request of params and inputs; `note` is added. `money`: the service takes
    it only from someone who has just proven who they are, and the page asks for it. `outcome` chooses the last text by the
    response: `act_<name>_<outcome>`."""

    name: str
    page: str
    service: str | None
    method: str
    params: Mapping[str, Callable[[str], Any]]
    look: Look
    inputs: tuple[Input, ...] = ()
    money: bool = False
    outcome: Callable[[Mapping[str, Any]], str] = lambda _: "done"
    body: Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, Any]] = lambda params, inputs: {**params, **inputs}


def router(by_name: Mapping[str, Act]) -> APIRouter:
    """GET shows the confirmation of an act, POST carries it out."""
    routes = new_router()

    @routes.get("/console/acts/{name}")
    async def confirm(name: str, visit: SignedIn) -> Response:
        act = _known(by_name, name)
        values, prove = {"reason": visit.note.get("kept", "")}, act.money and not visit.is_fresh
        return await _confirmation(visit, act, _params(act, visit), values=values, prove=prove)

    @routes.post("/console/acts/{name}")
    async def carry_out(name: str, visit: SignedIn) -> Response:
        act = _known(by_name, name)
        params = _params(act, visit)
        if wrong := _wrong(act, visit.form):
            return await _confirmation(visit, act, params, values=visit.form, wrong=wrong, status=422)
        return await _prove(visit, act, params) or await _carry_out(visit, act, params)

    return routes


def _wrong(act: Act, form: Mapping[str, str]) -> str:
    """The first field that cannot be taken as it is; empty for none."""
    if not 1 <= len(form.get("reason", "").strip()) <= MOST_REASON:
        return "reason"
    for each in act.inputs:
        given = form.get(each.name, "").strip()
        if (each.required and not given) or (each.options and given not in each.options):
            return each.name
    return ""


async def _prove(visit: Visit, act: Act, params: Mapping[str, Any]) -> Response | None:
    """Prove again who this is, where the page has asked for it. The page again when that fails."""
    if not (password := visit.form.get("password")):
        return None
    try:
        await visit.prove(password, visit.form.get("code", "").strip())
    except ServiceRefused as refused:
        return await _confirmation(
            visit, act, params, values=visit.form, refused=refused, prove=True, status=refused.status
        )
    except PeerUnavailable:
        return await _confirmation(visit, act, params, values=visit.form, silent="usercenter", prove=True, status=503)
    return None


async def _carry_out(visit: Visit, act: Act, params: Mapping[str, Any]) -> Response:
    service = act.service or params["service"]
    given = {each.name: visit.form.get(each.name, "").strip() for each in act.inputs}
    body = act.body(params, given) | {"note": visit.form["reason"].strip()}
    try:
        result = await visit.ask(service, act.method, body)
    except ServiceRefused as refused:
        prove = refused.slug == REAUTHENTICATION_REQUIRED
        said = None if prove else refused
        return await _confirmation(
            visit, act, params, values=visit.form, refused=said, prove=prove, status=refused.status
        )
    except PeerUnavailable:
        return await _confirmation(visit, act, params, values=visit.form, silent=service, status=503)
    response = RedirectResponse(back := _back(visit), 303)
    done = visit.texts(act.page)[f"act_{act.name}_{act.outcome(result)}"].format_map(_Shown(result | dict(params)))
    notes.leave(response, back, {"done": done}, secure=visit.console.secure(visit.request))
    return response


def _known(acts: Mapping[str, Act], name: str) -> Act:
    if name not in acts:
        raise HTTPException(404)
    return acts[name]


def _params(act: Act, visit: Visit) -> dict[str, Any]:
    """What the act is done to, from the address. Raises a 404 for an address that lacks it."""
    try:
        return {name: parse(visit.query[name]) for name, parse in act.params.items()}
    except (KeyError, ValueError):
        raise HTTPException(404) from None


def _back(visit: Visit) -> str:
    return addresses.resolve(visit.query.get("back", ""))


async def _confirmation(
    visit: Visit,
    act: Act,
    params: Mapping[str, Any],
    *,
    values: Mapping[str, str],
    wrong: str = "",
    refused: ServiceRefused | None = None,
    silent: str = "",
    prove: bool = False,
    status: int = 200,
) -> Response:
    """Before the act, or after it was not done: `refused` by the service, or `silent` names one that did not respond. From
    500 on it may have been done all the same, unless it was usercenter that did not respond. `prove`: asks for password
    and code as well. The state that is shown is read for each of these pages."""
    texts, labels = visit.texts(act.page), visit.texts("act")
    present, unknown = await known(act.look, visit, params)
    return visit.page(
        "act",
        status=status,
        title=texts[f"act_{act.name}"],
        does=texts[f"act_{act.name}_does"].format_map(_Shown({**params, **present})),
        present=[(name, labels[f"now_{name}"], value) for name, value in present.items()],
        unknown=unknown,
        inputs=[(each, texts[f"act_{act.name}_{each.name}"]) for each in act.inputs],
        values={each.name: "" for each in act.inputs} | {"reason": ""} | dict(values),
        wrong=wrong,
        refused=refused,
        silent=silent,
        is_unknown=status >= 500 and not prove,
        prove=prove,
        back=_back(visit),
        not_done="kept" in visit.note,
        most=MOST_REASON,
    )


class _Shown(dict[str, Any]):
    """What a text may quote; a member that is not there is shown as a dash."""

    def __missing__(self, _key: str) -> str:
        return "–"
