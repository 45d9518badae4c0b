"""/_sim/sms: text messages to users, sent here by the merchant's service and read by tests."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.clock import rfc3339
from wechatsim.control.endpoint import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.sim import Sim

_LONGEST = 2000
_NEWEST = 200


def received(sim: Sim, mobile: str = "", limit: int = _NEWEST) -> list[dict[str, Any]]:
    """Text messages, newest first, of one mobile number or of all."""
    rows = sim.store.all("SELECT * FROM sms WHERE ? = '' OR mobile = ? ORDER BY id DESC LIMIT ?", mobile, mobile, limit)
    return [
        {
            "id": row["id"],
            "at": rfc3339(row["at"]),
            "mobile": row["mobile"],
            "text": row["text"],
            **json.loads(row["rest"]),
        }
        for row in rows
    ]


def _receive(sim: Sim, _: Request, body: Body) -> Any:
    mobile, content = text(body, "mobile"), text(body, "text")
    rest = json.dumps({name: value for name, value in body.items() if name not in {"id", "at", "mobile", "text"}})
    if not mobile or len(mobile) > 20 or len(content) + len(rest) > _LONGEST:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "give a mobile and a text of bounded length")
    sim.store.insert("sms", at=sim.clock.now(), mobile=mobile, text=content, rest=rest)
    return {"status": "delivered"}


def _list(sim: Sim, request: Request, _: Body) -> Any:
    return {"sms": received(sim, request.query_params.get("mobile", ""))}


ROUTES = [
    Route("/_sim/sms", endpoint(_receive), methods=["POST"]),
    Route("/_sim/sms", endpoint(_list), methods=["GET"]),
]
