"""Messages to guests and hosts: each with its attempts at WeChat, and sending again what ended without delivery."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.console.acts import Act
from gateway.console.listing import MOST, counted
from gateway.console.numbers import last_id, row_id
from gateway.console.present import Present, Words
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()
STATES = ("pending", "sent", "refused", "invalid", "dead", "cancelled")
RESENDABLE = ("refused", "invalid", "dead")
KINDS = ("paid", "before_arrival", "refunded", "given_back", "refund_asked")
PAGE = 50


def _state(text: str) -> str:
    """Raises ValueError for one from which nothing is sent again."""
    if text not in RESENDABLE:
        raise ValueError(text)
    return text


def _selection(params: Any, _inputs: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value}


async def _task(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    row = (await visit.ask("notification", "taskDetail", {"id": params["id"]}))["task"]
    return {
        "state": words.named("messages", "state_", row["state"]),
        "kind": words.named("messages", "kind_", row["kind"]),
        "order": row["orderSn"],
        "reason": row["reason"] or "–",
        "attempts": str(row["attempts"]),
        "since": words.moment(row["updatedAt"]),
    }


async def _selected(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    """How many messages are meant."""
    found = await visit.ask("notification", "taskList", _selection(params, {}) | {"pageSize": MOST})
    return {
        "messages": counted(found["list"]),
        "state": words.named("messages", "state_", params["state"]),
        "kind": words.named("messages", "kind_", params["kind"]),
        "cause": params["cause"] or "–",
    }


ACTS: tuple[Act, ...] = (
    Act(
        name="resend",
        page="messages",
        service="notification",
        method="taskResend",
        params={"id": row_id},
        look=_task,
    ),
    Act(
        name="resend_all",
        page="messages",
        service="notification",
        method="taskResendAll",
        params={"state": _state, "cause": str, "kind": str},
        look=_selected,
        body=_selection,
    ),
)


@router.get("/console/messages")
async def messages(visit: SignedIn) -> Response:
    state, kind, cause = (visit.query.get(name, "").strip() for name in ("state", "kind", "cause"))
    chosen = {"state": state if state in STATES else "", "kind": kind if kind in KINDS else "", "cause": cause[:32]}
    query = {name: value for name, value in chosen.items() if value}
    below = last_id(visit.query.get("below", ""))
    found = await visit.ask("notification", "taskList", {**query, "lastId": below, "pageSize": PAGE})
    rows = found["list"]
    return visit.page(
        "messages",
        rows=rows,
        older=rows[-1]["id"] if len(rows) == PAGE else 0,
        chosen=chosen,
        states=STATES,
        kinds=KINDS,
        resendable=RESENDABLE,
    )


@router.get("/console/messages/{number}")
async def message(number: str, visit: SignedIn) -> Response:
    try:
        found = await visit.ask("notification", "taskDetail", {"id": row_id(number)})
    except ValueError:
        raise HTTPException(404) from None
    return visit.page(
        "message",
        task=found["task"],
        attempts=found["attempts"],
        transitions=found["transitions"],
        can_resend=found["task"]["state"] in RESENDABLE,
    )
