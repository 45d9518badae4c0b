"""Login and phone codes: single use, five minutes of sandbox time (wechat-pay-v3.md §7.1)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from wechatsim import wire
from wechatsim.errors import ControlError, MiniError
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

CODE_LIFE_S = 300


def phone_info(sim: Sim, appid: str, mobile: str) -> dict[str, Any]:
    """The object that wx.getPhoneNumber encrypts and getuserphonenumber returns."""
    return {
        "phoneNumber": mobile,
        "purePhoneNumber": mobile,
        "countryCode": "86",
        "watermark": {"timestamp": int(sim.clock.real()), "appid": appid},
    }


def app_of(sim: Sim, appid: str) -> Merchant:
    """The mini program `appid`, or the only one when it is empty."""
    if not appid:
        return next(iter(sim.apps.values()))
    if appid not in sim.apps:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_appid", f"no mini program {appid}")
    return sim.apps[appid]


def new_code(sim: Sim, openid: str, *, appid: str = "", mobile: str = "", nickname: str = "") -> dict[str, Any]:
    """What the phone gives to the mini program for `openid`: a login code, the phone number encrypted
    with its session key, and a phone code. An unknown openid becomes a new user. Raises ControlError."""
    app = app_of(sim, appid)
    if not 1 <= len(openid) <= 128:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_openid", "openid must have 1 to 128 characters")
    session_key = base64.b64encode(secrets.token_bytes(16)).decode()
    login, phone = "0" + crypto.token(31), crypto.token(64)
    now = sim.clock.now()
    with sim.store.transaction():
        sim.store.run(
            "INSERT INTO user (appid, openid, mobile, nickname) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " mobile = CASE WHEN excluded.mobile = '' THEN mobile ELSE excluded.mobile END",
            app.appid,
            openid,
            mobile,
            nickname,
        )
        for code, kind in ((login, "login"), (phone, "phone")):
            sim.store.insert(
                "login_code",
                code=code,
                kind=kind,
                appid=app.appid,
                openid=openid,
                session_key=session_key,
                created_at=now,
            )
    user = sim.store.one("SELECT * FROM user WHERE appid = ? AND openid = ?", app.appid, openid)
    number = user["mobile"] if user else ""
    iv, encrypted = crypto.cbc_encrypt(session_key, wire.dumps(phone_info(sim, app.appid, number)))
    return {
        "code": login,
        "phone_code": phone,
        "openid": openid,
        "appid": app.appid,
        "session_key": session_key,
        "iv": iv,
        "encryptedData": encrypted,
    }


def redeem(sim: Sim, code: str, kind: str, appid: str) -> Row:
    """Use up a code. Raises MiniError 40029 when it is unknown, expired or another app's, or a used phone code; 40163
    when it is a used login code."""
    row = sim.store.one("SELECT * FROM login_code WHERE code = ? AND kind = ?", code, kind)
    if row is None or row["appid"] != appid or row["created_at"] + CODE_LIFE_S <= sim.clock.now():
        raise MiniError(40029, "invalid code")
    if row["used"]:
        raise MiniError(40163, "code been used") if kind == "login" else MiniError(40029, "invalid code")
    sim.store.run("UPDATE login_code SET used = 1 WHERE code = ?", code)
    return row


def code2session(sim: Sim, query: Mapping[str, str]) -> dict[str, Any]:
    """GET /sns/jscode2session → {session_key, openid}."""
    if not query.get("appid"):
        raise MiniError(41002, "appid missing")
    if not query.get("secret"):
        raise MiniError(41004, "appsecret missing")
    if not query.get("js_code"):
        raise MiniError(41008, "missing code")
    app = sim.apps.get(query["appid"])
    if app is None:
        raise MiniError(40013, "invalid appid")
    if not secrets.compare_digest(query["secret"].encode(), app.app_secret.encode()):
        raise MiniError(40125, "invalid appsecret")
    if query.get("grant_type") != "authorization_code":
        raise MiniError(40002, "invalid grant_type")
    row = redeem(sim, query["js_code"], "login", app.appid)
    return {"session_key": row["session_key"], "openid": row["openid"]}


def phone_number(sim: Sim, app: Merchant, content: Mapping[str, Any]) -> dict[str, Any]:
    """POST /wxa/business/getuserphonenumber {code} → {errcode, errmsg, phone_info}."""
    code = content.get("code")
    if not isinstance(code, str) or not code:
        raise MiniError(40029, "invalid code")
    row = redeem(sim, code, "phone", app.appid)
    user = sim.store.one("SELECT mobile FROM user WHERE appid = ? AND openid = ?", app.appid, row["openid"])
    info = phone_info(sim, app.appid, user["mobile"] if user else "")
    return {"errcode": 0, "errmsg": "ok", "phone_info": info}
