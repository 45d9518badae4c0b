"""/_sim: login codes for users, their message quota and the messages that were delivered to them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.control.endpoint import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.mini import login, message
from wechatsim.sim import Sim


def _code(sim: Sim, _: Request, body: Body) -> Any:
    return login.new_code(
        sim,
        text(body, "openid"),
        appid=text(body, "appid", ""),
        mobile=text(body, "mobile", ""),
        nickname=text(body, "nickname", ""),
    )


def _messages(sim: Sim, request: Request, _: Body) -> Any:
    openid = request.query_params.get("openid", "")
    rows = sim.store.all("SELECT * FROM message WHERE ? = '' OR openid = ? ORDER BY id", openid, openid)
    return {"messages": [message.as_json(sim.apps.get(row["appid"]), row) for row in rows]}


def _quota(sim: Sim, request: Request, _: Body) -> Any:
    openid = request.query_params.get("openid", "")
    rows = sim.store.all("SELECT * FROM quota WHERE ? = '' OR openid = ?", openid, openid)
    return {"quota": [dict(row) for row in rows]}


def _grant(sim: Sim, _: Request, body: Body) -> Any:
    openid, count = text(body, "openid"), body.get("count", 1)
    if type(count) is not int or count < 0:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "count must be a whole number, 0 or more")
    chosen = text(body, "template_id", "")
    for template_id in [chosen] if chosen else [t for m in sim.merchants.values() for t in m.templates]:
        if count == 0:
            sim.store.run("DELETE FROM quota WHERE openid = ? AND template_id = ?", openid, template_id)
        else:
            message.grant(sim, openid, template_id, count)
    return {"quota": [dict(row) for row in sim.store.all("SELECT * FROM quota WHERE openid = ?", openid)]}


ROUTES = [
    Route("/_sim/code", endpoint(_code), methods=["POST"]),
    Route("/_sim/messages", endpoint(_messages), methods=["GET"]),
    Route("/_sim/quota", endpoint(_quota), methods=["GET"]),
    Route("/_sim/grant", endpoint(_grant), methods=["POST"]),
]
