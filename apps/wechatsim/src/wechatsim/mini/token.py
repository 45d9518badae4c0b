"""POST /cgi-bin/stable_token, GET /cgi-bin/token, and the check of an access_token (wechat-pay-v3.md §7.2).

The two are isolated: neither invalidates the other's tokens. Older SDKs use only the second.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from wechatsim.errors import MiniError
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

LIFE_S = 7200
_OVERLAP_S = 300
_FORCED_PER_DAY = 20
_FORCED_PAUSE_S = 30


def stable_token(sim: Sim, content: Mapping[str, Any]) -> dict[str, Any]:
    """{access_token, expires_in}. Normal mode repeats the token until its last five minutes; then it issues a new
    one and both work. force_refresh invalidates the old one, 20 times a day, 30 seconds apart."""
    app = _client(sim, content)
    now = sim.clock.now()
    forced = content.get("force_refresh") is True
    with sim.store.transaction():
        current = sim.store.one(
            "SELECT * FROM access_token WHERE appid = ? AND dead = 0 AND expires_at > ?"
            " ORDER BY expires_at DESC LIMIT 1",
            app.appid,
            now,
        )
        if forced:
            _check_force(sim, app, now)
            sim.store.run("UPDATE access_token SET dead = 1 WHERE appid = ?", app.appid)
        elif current is not None and current["expires_at"] - now > _OVERLAP_S:
            return _as_json(current, now)
        token = _new_token()
        sim.store.insert(
            "access_token",
            token=token,
            appid=app.appid,
            issued_at=now,
            expires_at=now + LIFE_S,
            forced=int(forced),
        )
    return {"access_token": token, "expires_in": LIFE_S}


def plain_token(sim: Sim, query: Mapping[str, str]) -> dict[str, Any]:
    """{access_token, expires_in}, a new token at each call; the previous one works for five more minutes."""
    app = _client(sim, query)
    now, token = sim.clock.now(), _new_token()
    with sim.store.transaction():
        sim.store.run("UPDATE plain_token SET ends_at = MIN(ends_at, ?) WHERE appid = ?", now + _OVERLAP_S, app.appid)
        sim.store.insert("plain_token", token=token, appid=app.appid, expires_at=now + LIFE_S, ends_at=now + LIFE_S)
    return {"access_token": token, "expires_in": LIFE_S}


def _new_token() -> str:
    return f"{secrets.randbelow(90) + 10}_{crypto.token(154)}"


def _as_json(row: Row, now: float) -> dict[str, Any]:
    return {"access_token": row["token"], "expires_in": int(row["expires_at"] - now)}


def _client(sim: Sim, content: Mapping[str, Any]) -> Merchant:
    # The live host checks the appid first.
    if not content.get("appid"):
        raise MiniError(41002, "appid missing")
    app = sim.apps.get(str(content["appid"]))
    if app is None:
        raise MiniError(40013, "invalid appid")
    if not content.get("secret"):
        raise MiniError(41004, "appsecret missing")
    if not secrets.compare_digest(str(content["secret"]).encode(), app.app_secret.encode()):
        raise MiniError(40125, "invalid appsecret")
    if content.get("grant_type") != "client_credential":
        raise MiniError(40002, "invalid grant_type")
    return app


def _check_force(sim: Sim, app: Merchant, now: float) -> None:
    row = sim.store.one(
        "SELECT COUNT(*) AS n, MAX(issued_at) AS last FROM access_token"
        " WHERE appid = ? AND forced = 1 AND issued_at > ?",
        app.appid,
        now - 86400,
    )
    if row is None or not row["n"]:
        return
    if row["last"] + _FORCED_PAUSE_S > now:
        raise MiniError(45011, "api minute-quota reach limit  must slower  retry next minute")
    if row["n"] >= _FORCED_PER_DAY:
        raise MiniError(45009, "reach max api daily quota limit")


def check(sim: Sim, access_token: str | None) -> Merchant:
    """The app of this token. Raises MiniError 41001 without one, 40001 for an unknown or invalidated one, 42001 for
    an expired one."""
    if not access_token:
        raise MiniError(41001, "access_token missing")
    now = sim.clock.now()
    row = sim.store.one(
        "SELECT appid, expires_at, dead FROM access_token WHERE token = ?"
        " UNION ALL SELECT appid, expires_at, ends_at <= ? AND ends_at < expires_at FROM plain_token WHERE token = ?",
        access_token,
        now,
        access_token,
    )
    if row is None or row["dead"] or row["appid"] not in sim.apps or sim.faults.consume("mini-bad-token") is not None:
        raise MiniError(40001, "invalid credential, access_token is invalid or not latest")
    if row["expires_at"] <= now:
        raise MiniError(42001, "access_token expired")
    return sim.apps[row["appid"]]
