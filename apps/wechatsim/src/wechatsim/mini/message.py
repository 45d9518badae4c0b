"""POST /cgi-bin/message/subscribe/send: template, value types, quota per openid and template (wechat-pay-v3.md §7.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from wechatsim.errors import MiniError
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
_DATE = r"\d{4}[-/.年](0?[1-9]|1[0-2])[-/.月](0?[1-9]|[12]\d|3[01])日?"
_MOMENT = rf"({_DATE}(\s*{_CLOCK})?|{_CLOCK})"
_CHINESE = r"[\u4e00-\u9fff·]"
# Every pattern must match the whole value; line breaks are refused before (wechat-pay-v3.md §7.3).
TYPES: dict[str, str] = {
    "thing": r".{1,20}",
    "number": r"(?=.{1,32}$)-?\d+(\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[\x20-\x7e]{1,32}",
    "time": rf"{_MOMENT}(\s*~\s*{_MOMENT})?",
    "date": rf"{_DATE}(\s*{_CLOCK})?(\s*~\s*{_DATE}(\s*{_CLOCK})?)?",
    "amount": r"[^\w\s.]?\d{1,10}(\.\d+)?元?",
    "phone_number": r"[\d+\-() ]{1,17}",
    "car_number": r"[\w\u4e00-\u9fff]{1,8}",
    "name": rf"({_CHINESE}{{1,10}}|[A-Za-z .'\-]{{1,20}})",
    "phrase": rf"{_CHINESE}{{1,5}}",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in TYPES.items()}
_PAGE = re.compile(r"/?[\w\-]+(/[\w\-.]+)*(\?\S*)?", re.ASCII)
_STATES = {"developer", "trial", "formal"}
_LANGUAGES = {"zh_CN", "en_US", "zh_HK", "zh_TW"}
_MAX_PAGE = 1024
_REJECTIONS = {
    "message-bad-openid": (40003, "invalid openid"),
    "message-bad-template": (40037, "invalid template_id"),
    "message-bad-page": (41030, "invalid page"),
    "message-bad-argument": (47003, "argument invalid! data.thing1.value invalid"),
    "message-quota": (45009, "reach max api daily quota limit"),
}


def fits(kind: str, value: str) -> bool:
    """Whether `value` is valid for the field type `kind`."""
    return "\n" not in value and "\r" not in value and _COMPILED[kind].fullmatch(value) is not None


def send(sim: Sim, app: Merchant, content: Mapping[str, Any]) -> dict[str, Any]:
    """Deliver one message and use up one subscription. Raises MiniError, and then nothing was delivered."""
    openid, template_id = content.get("touser"), content.get("template_id")
    for fault, (errcode, errmsg) in _REJECTIONS.items():
        if sim.faults.consume(fault, f"{openid} {template_id}") is not None:
            raise MiniError(errcode, errmsg)
    if not openid or not sim.store.one("SELECT 1 FROM user WHERE appid = ? AND openid = ?", app.appid, str(openid)):
        raise MiniError(40003, "invalid openid")
    if template_id not in app.templates:
        raise MiniError(40037, "invalid template_id")
    page = content.get("page") or ""
    if not isinstance(page, str) or len(page) > _MAX_PAGE or (page and not _PAGE.fullmatch(page)):
        raise MiniError(41030, "invalid page")
    for name, allowed in (("miniprogram_state", _STATES), ("lang", _LANGUAGES)):
        if content.get(name) not in (None, *allowed):
            raise MiniError(47003, f"argument invalid! {name} invalid")
    data = _data(app.templates[template_id]["fields"], content.get("data"))
    with sim.store.transaction():
        if sim.faults.consume("message-refused", f"{openid} {template_id}") is not None or not sim.store.run(
            "UPDATE quota SET remaining = remaining - 1 WHERE openid = ? AND template_id = ? AND remaining > 0",
            openid,
            template_id,
        ):
            raise MiniError(43101, "user refuse to accept the msg")
        sim.store.insert(
            "message",
            at=sim.clock.now(),
            appid=app.appid,
            openid=openid,
            template_id=template_id,
            page=page,
            state=content.get("miniprogram_state") or "formal",
            data=json.dumps(data, ensure_ascii=False),
        )
    return {"errcode": 0, "errmsg": "ok"}


def _data(wanted: Mapping[str, str], data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        raise MiniError(47003, "argument invalid! data is emtpy")
    values = {}
    for name, kind in wanted.items():
        cell = data.get(name)
        value = cell.get("value") if isinstance(cell, dict) else None
        if value is None or value == "":
            raise MiniError(47003, f"argument invalid! data.{name}.value is emtpy")
        text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not fits(kind, text):
            raise MiniError(47003, f"argument invalid! data.{name}.value invalid")
        values[name] = text
    return values


def grant(sim: Sim, openid: str, template_id: str, count: int = 1) -> None:
    """The user accepts `count` more one-time subscriptions of this template."""
    sim.store.run(
        "INSERT INTO quota (openid, template_id, remaining) VALUES (?, ?, ?)"
        " ON CONFLICT (openid, template_id) DO UPDATE SET remaining = remaining + excluded.remaining",
        openid,
        template_id,
        count,
    )


def as_json(app: Merchant | None, row: Row) -> dict[str, Any]:
    """A delivered message as JSON."""
    template = app.templates.get(row["template_id"], {}) if app else {}
    return {
        "id": row["id"],
        "at": row["at"],
        "openid": row["openid"],
        "template_id": row["template_id"],
        "title": template.get("title", ""),
        "page": row["page"],
        "miniprogram_state": row["state"],
        "data": json.loads(row["data"]),
    }
