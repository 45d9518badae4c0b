"""How refunds end: due ones are finished on the sandbox clock; abnormal ones may be sent to a bank card."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from wechatsim import crypto, errors, fields, orders, refund_view, refunds
from wechatsim.errors import PayError, param_error
from wechatsim.fields import Field, one_of, text
from wechatsim.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

ENDINGS = ("SUCCESS", "ABNORMAL", "CLOSED")
_ABNORMAL_BODY = {
    "out_refund_no": Field("商户退款单号", text(64), required=True),
    "type": Field("异常退款处理方式", one_of("USER_BANK_CARD", "MERCHANT_BANK_CARD"), required=True),
    "bank_type": Field("开户银行", text(16)),
    "bank_account": Field("收款银行卡号", text(1024)),
    "real_name": Field("收款用户姓名", text(1024)),
}


async def run(sim: Sim) -> None:
    """Finish refunds as they become due, until cancelled."""
    while True:
        sim.refunds_due.clear()
        finish_due(sim)
        row = sim.store.one("SELECT MIN(finish_at) AS at FROM refund WHERE finish_at IS NOT NULL")
        wait = None if row is None or row["at"] is None else max(0.05, row["at"] - sim.clock.now())
        try:
            async with asyncio.timeout(wait):
                await sim.refunds_due.wait()
        except TimeoutError:
            continue


def finish_due(sim: Sim) -> None:
    """End every refund whose time has come."""
    for row in sim.store.all("SELECT * FROM refund WHERE finish_at <= ?", sim.clock.now()):
        if row["mchid"] in sim.merchants:
            finish(sim, row, row["outcome"])
        else:
            # A store may outlive a merchant's key folder; without its key nobody can be told.
            sim.store.run(
                "UPDATE refund SET finish_at = NULL WHERE mchid = ? AND out_refund_no = ?",
                row["mchid"],
                row["out_refund_no"],
            )


def finish(sim: Sim, refund: Row, ending: str) -> None:
    """End `refund` as SUCCESS, ABNORMAL or CLOSED: status, books and notification in one transaction."""
    merchant = sim.merchants[refund["mchid"]]
    now = sim.clock.now()
    with sim.store.transaction():
        changed = sim.store.run(
            "UPDATE refund SET status = ?, success_at = ?, finish_at = NULL"
            " WHERE mchid = ? AND out_refund_no = ? AND status IN ('PROCESSING', 'ABNORMAL')",
            ending,
            now if ending == "SUCCESS" else None,
            refund["mchid"],
            refund["out_refund_no"],
        )
        if not changed:
            return
        order = orders.by_number_of(sim, refund["mchid"], refund["out_trade_no"])
        ended = refunds.find(sim, merchant, refund["out_refund_no"])
        if ended is None:
            return
        if ending == "SUCCESS":
            sim.store.insert(
                "ledger",
                at=now,
                mchid=refund["mchid"],
                kind="REFUND",
                out_trade_no=refund["out_trade_no"],
                out_refund_no=refund["out_refund_no"],
                amount=refund["amount"],
            )
        elif ending == "CLOSED" and not refunds.reserved(sim, order):
            sim.store.run(
                "UPDATE payment_order SET state = 'SUCCESS' WHERE mchid = ? AND out_trade_no = ?",
                refund["mchid"],
                refund["out_trade_no"],
            )
        if refund["notify_url"]:
            sim.notifier.enqueue(
                merchant,
                f"REFUND.{ending}",
                refund["notify_url"],
                refund_view.notice(order, ended),
                out_trade_no=refund["out_trade_no"],
                out_refund_no=refund["out_refund_no"],
                total=order["total"],
                struck=json.loads(refund["tamper"]) if refund["tamper"] else None,
            )
    sim.notifier.wake()


def apply_abnormal(sim: Sim, merchant: Merchant, refund_id: str, body: bytes, serial: str) -> dict[str, Any]:
    """POST …/{refund_id}/apply-abnormal-refund. Account and name are sealed for the key named by `serial`."""
    content = fields.parse(body, _ABNORMAL_BODY)
    if content["type"] == "USER_BANK_CARD":
        for name in ("bank_type", "bank_account", "real_name"):
            if name not in content:
                label = _ABNORMAL_BODY[name].label
                message = f"输入源“/body/{name}”映射到字段“{label}”必填性规则校验失败，此字段为必填项"
                raise param_error(f"/{name}", "required", message, "")
    for name in ("bank_account", "real_name"):
        if name in content:
            _opened(merchant, serial, name, content[name])
    row = refunds.find(sim, merchant, content["out_refund_no"])
    if row is None or row["refund_id"] != refund_id:
        raise PayError(HTTPStatus.NOT_FOUND, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if row["status"] != "ABNORMAL":
        raise errors.invalid_request("退款单状态不是退款异常，不能发起异常退款")
    account = f"{content.get('bank_type', '商户')}银行卡"
    with sim.store.transaction():
        sim.store.run(
            "UPDATE refund SET status = 'PROCESSING', outcome = 'SUCCESS', finish_at = ?, channel = 'OTHER_BANKCARD',"
            " received_account = ? WHERE mchid = ? AND out_refund_no = ?",
            sim.clock.now(),
            account,
            merchant.mchid,
            content["out_refund_no"],
        )
        again = refunds.find(sim, merchant, content["out_refund_no"])
        order = orders.by_number_of(sim, merchant.mchid, row["out_trade_no"])
        answer = refund_view.shown(order, again or row)
    sim.wake()
    return answer


def _opened(merchant: Merchant, serial: str, name: str, value: str) -> str:
    key = merchant.own_key(serial)
    if key is None:
        raise PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误，请检查后再试")
    try:
        return crypto.oaep_decrypt(key.key, value)
    except crypto.CannotOpenError as error:
        message = f"输入源“/body/{name}”映射到字段“{_ABNORMAL_BODY[name].label}”解密失败"
        raise param_error(f"/{name}", "cannot decrypt", message) from error
