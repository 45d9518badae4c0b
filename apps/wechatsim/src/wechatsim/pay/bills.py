"""Trade and fund bills: requested by date, downloaded by token (wechat-pay-v3.md §6). Days are Beijing days."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from wechatsim.clock import BEIJING, beijing
from wechatsim.errors import PayError, invalid_request
from wechatsim.pay import bill_rows
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim

LINK_LIFE_S = 300
_READY_HOUR = 10
_KEPT_DAYS = 92


def _choice(query: Mapping[str, str], name: str, default: str, *allowed: str) -> str:
    value = query.get(name) or default
    if value not in allowed:
        choices = "、".join(filter(None, allowed))
        message = f"输入源“/query/{name}”映射到枚举字段规则校验失败，取值须为 {choices}"
        detail = {"location": "query", "field": name, "value": value, "issue": "not an allowed value"}
        raise PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", message, detail)
    return value


def _day(sim: Sim, query: Mapping[str, str]) -> tuple[float, float]:
    """bill_date as [begin, end) in seconds; raises PayError for today, the future and expired bills."""
    text = query.get("bill_date", "")
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or len(text) != len("YYYY-MM-DD"):
        detail = {"location": "query", "field": "bill_date", "value": text, "issue": "not YYYY-MM-DD"}
        raise PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", "账单日期格式不正确，应为YYYY-MM-DD", detail)
    now = beijing(sim.clock.now())
    if day >= now.date():
        raise invalid_request("账单日期只能是今天之前的日期")
    if (now.date() - day).days > _KEPT_DAYS:
        raise invalid_request("仅支持三个月内的账单下载申请")
    too_early = sim.settings.strict and (now.date() - day).days == 1 and now.hour < _READY_HOUR
    if too_early or sim.faults.consume("bill-not-ready", text) is not None:
        raise PayError(HTTPStatus.BAD_REQUEST, "STATEMENT_CREATING", "账单文件正在生成中，请稍后再试")
    begin = dt.datetime.combine(day, dt.time(), BEIJING).timestamp()
    return begin, begin + 86400


def trade(sim: Sim, merchant: Merchant, query: Mapping[str, str], base: str) -> dict[str, Any]:
    """GET /v3/bill/tradebill → hash and download_url, which begins with `base`."""
    kind = _choice(query, "bill_type", "ALL", "ALL", "SUCCESS", "REFUND")
    begin, end = _day(sim, query)
    return _create_link(sim, merchant, query, base, bill_rows.trade(sim, merchant, kind, begin, end))


def fund(sim: Sim, merchant: Merchant, query: Mapping[str, str], base: str) -> dict[str, Any]:
    """GET /v3/bill/fundflowbill; only the BASIC account has entries here."""
    account = _choice(query, "account_type", "BASIC", "BASIC", "OPERATION", "FEES")
    begin, end = _day(sim, query)
    text = bill_rows.fund(sim, merchant, begin, end) if account == "BASIC" else ""
    return _create_link(sim, merchant, query, base, text)


def _create_link(sim: Sim, merchant: Merchant, query: Mapping[str, str], base: str, text: str) -> dict[str, Any]:
    zipped = bool(_choice(query, "tar_type", "", "", "GZIP"))
    if not text or sim.faults.consume("bill-missing", query.get("bill_date", "")) is not None:
        raise PayError(HTTPStatus.BAD_REQUEST, "NO_STATEMENT_EXIST", "账单文件不存在")
    content = text.encode()
    token = crypto.token(128)
    sim.store.run("DELETE FROM bill_file WHERE created_at < ?", sim.clock.now() - LINK_LIFE_S)
    sim.store.insert("bill_file", token=token, mchid=merchant.mchid, content=content, created_at=sim.clock.now())
    # The protocol wants SHA1, over the file before gzip.
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if sim.faults.consume("bill-bad-hash", query.get("bill_date", "")) is not None:
        digest = digest[::-1]
    url = f"{base}/v3/billdownload/file?token={token}"
    return {"hash_type": "SHA1", "hash_value": digest, "download_url": url + ("&tartype=gzip" if zipped else "")}


def download(sim: Sim, merchant: Merchant, query: Mapping[str, str]) -> bytes:
    """The file of a token, gzipped when the link says so; for five minutes and for its merchant only."""
    row = sim.store.one(
        "SELECT content FROM bill_file WHERE token = ? AND mchid = ? AND created_at > ?",
        query.get("token", ""),
        merchant.mchid,
        sim.clock.now() - LINK_LIFE_S,
    )
    if row is None:
        raise invalid_request("下载链接无效或已过期，请重新申请账单")
    content: bytes = row["content"]
    return gzip.compress(content) if query.get("tartype") == "gzip" else content
