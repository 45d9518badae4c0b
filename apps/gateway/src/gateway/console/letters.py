"""Dead letters of all services: look at one, replay it, discard it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.console.acts import Act
from gateway.console.listing import MOST, counted
from gateway.console.merging import newest
from gateway.console.numbers import row_id
from gateway.console.present import Present, Words
from gateway.console.redaction import redacted
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()
SERVICES = ("order", "payment", "notification", "travel")
STATES = ("poison", "waiting", "applied", "discarded")
STUCK = ("poison", "waiting")


def _service(text: str) -> str:
    """Raises ValueError for one that has no dead letters."""
    if text not in SERVICES:
        raise ValueError(text)
    return text


def _one(params: Any, _inputs: Any) -> dict[str, Any]:
    return {"id": params["id"]}


def _all(_params: Any, _inputs: Any) -> dict[str, Any]:
    return {"all": True}


async def _letter(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    row = (await visit.ask(params["service"], "deadLetterDetail", {"id": params["id"]}))["letter"]
    return {
        "state": words.named("letters", "state_", row["state"]),
        "topic": row["topic"],
        "reason": row["reason"] or "–",
        "attempts": str(row["attempts"]),
        "since": words.moment(row["receivedAt"]),
    }


async def _stuck(visit: Visit, params: Mapping[str, Any], _: Words) -> Present:
    """How many of each state would be replayed."""
    found = await asyncio.gather(
        *(visit.ask(params["service"], "deadLetterList", {"state": state, "pageSize": MOST}) for state in STUCK)
    )
    return {state: counted(each["list"]) for state, each in zip(STUCK, found, strict=True)}


ACTS: tuple[Act, ...] = (
    Act(
        name="letter_replay",
        page="letters",
        service=None,
        method="deadLetterReplay",
        params={"service": _service, "id": row_id},
        look=_letter,
        body=_one,
    ),
    Act(
        name="letter_discard",
        page="letters",
        service=None,
        method="deadLetterDiscard",
        params={"service": _service, "id": row_id},
        look=_letter,
        body=_one,
    ),
    Act(
        name="letters_replay_all",
        page="letters",
        service=None,
        method="deadLetterReplay",
        params={"service": _service},
        look=_stuck,
        body=_all,
    ),
)


@router.get("/console/letters")
async def letters(visit: SignedIn) -> Response:
    service, state = visit.query.get("service", ""), visit.query.get("state", "")
    chosen = (service,) if service in SERVICES else SERVICES
    found = await newest(visit, chosen, "deadLetterList", {"state": state} if state in STATES else {}, by="receivedAt")
    return visit.page("letters", found=found, services=SERVICES, states=STATES, service=service, state=state)


@router.get("/console/letters/{service}/{number}")
async def letter(service: str, number: str, visit: SignedIn) -> Response:
    try:
        found = await visit.ask(_service(service), "deadLetterDetail", {"id": row_id(number)})
    except ValueError:
        raise HTTPException(404) from None
    return visit.page(
        "letter", service=service, letter=found["letter"], body=redacted(found["body"]), acts=found["acts"]
    )
