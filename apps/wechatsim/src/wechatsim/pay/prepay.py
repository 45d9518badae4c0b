"""POST /v3/pay/transactions/jsapi: validation and repeated requests (wechat-pay-v3.md §2.1)."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from http import HTTPStatus
from typing import Any

from wechatsim import errors, wire
from wechatsim.clock import beijing
from wechatsim.errors import OUT_OF_RANGE, PayError, param_error
from wechatsim.pay import fields, notify_url, orders
from wechatsim.pay.fields import Field, array, boolean, integer, members, number_of, one_of, text
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

_UNSET_EXPIRY_S = 7 * 86400
_SHORTEST_EXPIRY_S = 60
_DETAIL_BYTES = 6144
_GOODS = {
    "merchant_goods_id": Field("商户侧商品编码", text(32), required=True),
    "wechatpay_goods_id": Field("微信支付商品编码", text(32)),
    "goods_name": Field("商品名称", text(256)),
    "quantity": Field("商品数量", integer(1), required=True),
    "unit_price": Field("商品单价", integer(0), required=True),
}
_DETAIL = {
    "cost_price": Field("订单原价", integer(0)),
    "invoice_id": Field("商品小票ID", text(32)),
    "goods_detail": Field("单品列表", array(members(_GOODS))),
}
_STORE = {
    "id": Field("门店编号", text(32), required=True),
    "name": Field("门店名称", text(256)),
    "area_code": Field("地区编码", text(32)),
    "address": Field("详细地址", text(512)),
}
_SCENE = {
    "payer_client_ip": Field("用户终端IP", text(45), required=True),
    "device_id": Field("商户端设备号", text(32)),
    "store_info": Field("商户门店信息", members(_STORE)),
}
_IDENTITY = {
    "type": Field(
        "证件类型",
        one_of(
            "IDCARD",
            "HONGKONG_MACAO",
            "HONGKONG_MACAO_RESIDENT",
            "TAIWAN_RESIDENT",
            "FOREIGN_RESIDENT",
            "OVERSEA_PASSPORT",
            "PHONE_NUMBER",
        ),
        required=True,
    ),
    # One page wants number and name in plain text, another encrypted: both fit.
    "number": Field("证件号", text(1024), required=True),
    "name": Field("证件姓名", text(1024), required=True),
}
_PAYER = {
    "openid": Field("用户标识", text(128), required=True),
    "identity": Field("实名支付", members(_IDENTITY)),
}
_SUBSIDY_PLAN = {
    "subsidy_installment_num": Field("贴息期数", number_of(3, 6, 12), required=True),
    "subsidy_percent": Field("贴息比例", number_of(0, 100), required=True),
}
_SUBSIDY = {
    "subsidy_period_type": Field("贴息方案类型", one_of("DAILY", "PERIOD"), required=True),
    "subsidy_plan": Field("贴息方案列表", array(members(_SUBSIDY_PLAN)), required=True),
}
BODY = {
    "appid": Field("公众号ID", text(32), required=True),
    "mchid": Field("直连商户号", text(32), required=True),
    "description": Field("商品描述", text(127), required=True),
    "out_trade_no": Field("商户订单号", text(32, 6, orders.OUT_TRADE_NO), required=True),
    "time_expire": Field("交易结束时间", text(64)),
    "attach": Field("附加数据", text(128, 0)),
    "notify_url": Field("通知地址", text(255), required=True),
    "goods_tag": Field("订单优惠标记", text(32, 0)),
    "support_fapiao": Field("电子发票入口开放标识", boolean),
    "limit_pay": Field("指定支付方式", array(text(32))),
    "amount": Field(
        "订单金额",
        members(
            {
                "total": Field("总金额", integer(1), required=True),
                "currency": Field("货币类型", one_of("CNY")),
            }
        ),
        required=True,
    ),
    "payer": Field("支付者", members(_PAYER), required=True),
    "detail": Field("优惠功能", members(_DETAIL)),
    "scene_info": Field("场景信息", members(_SCENE)),
    "settle_info": Field("结算信息", members({"profit_sharing": Field("是否指定分账", boolean)})),
    "subsidy_info": Field("贴息信息", members({"subsidy_detail": Field("贴息详情列表", array(members(_SUBSIDY)))})),
}


def prepay(sim: Sim, merchant: Merchant, body: bytes) -> dict[str, Any]:
    """Create an order, or repeat its request; returns {"prepay_id"}. Raises PayError, and then nothing was written."""
    content = fields.parse(body, BODY)
    _check_identity(sim, merchant, content)
    expiry = _expiry(content.get("time_expire"))
    with sim.store.transaction():
        order = orders.find(sim, merchant, content["out_trade_no"])
        if order is None:
            _check_expiry(sim, content.get("time_expire"), expiry)
            _create(sim, merchant, content, expiry)
        else:
            _check_repetition(order, content)
        return {"prepay_id": _prepay_id(sim, merchant, content["out_trade_no"])}


def _check_identity(sim: Sim, merchant: Merchant, content: dict[str, Any]) -> None:
    if content["mchid"] != merchant.mchid:
        raise errors.mchid_mismatch()
    if content["appid"] != merchant.appid:
        raise PayError(HTTPStatus.BAD_REQUEST, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
    refused = notify_url.problem(content["notify_url"], allow_local=sim.settings.allow_local_notify)
    if refused:
        message = f"输入源“/body/notify_url”映射到字符串字段“通知地址”规则校验失败，{refused}"
        raise param_error("/notify_url", refused, message, content["notify_url"])
    if len(wire.dumps(content.get("detail"))) > _DETAIL_BYTES:
        message = f"输入源“/body/detail”映射到字段“优惠功能”规则校验失败，长度大于最大值 {_DETAIL_BYTES}"
        raise param_error("/detail", "too long", message)
    openid = content["payer"]["openid"]
    if not sim.store.one("SELECT 1 FROM user WHERE appid = ? AND openid = ?", merchant.appid, openid):
        raise param_error("/payer/openid", "appid and openid do not match", "appid和openid不匹配", openid)


def _expiry(value: str | None) -> float | None:
    """time_expire as seconds since 1970; PayError unless it is RFC 3339 with a zone."""
    if value is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or value[10:11] != "T":
        issue = "需要遵循rfc3339标准格式，格式为yyyy-MM-DDTHH:mm:ss+TIMEZONE"
        message = f"输入源“/body/time_expire”映射到字符串字段“交易结束时间”规则校验失败，{issue}"
        raise param_error("/time_expire", issue, message, value)
    return moment.timestamp()


def _check_expiry(sim: Sim, value: str | None, expiry: float | None) -> None:
    """Raise PARAM_ERROR when `expiry` is past in real time: a service knows nothing of `clock advance`, and what is past on
    the sandbox clock only is raised to a minute. Checked for a new order only (wechat-pay-v3.md §2.1)."""
    if expiry is not None and expiry <= sim.clock.real():
        issue = "支付结束时间早于当前时间"
        message = f"输入源“/body/time_expire”映射到字符串字段“交易结束时间”规则校验失败，{issue}"
        raise param_error("/time_expire", issue, message, value, number=OUT_OF_RANGE)


def _without_expiry(content: dict[str, Any]) -> str:
    # The first call fixes time_expire (wechat-pay-v3.md §2.1), so a repeated request may have another.
    kept = {name: value for name, value in content.items() if name != "time_expire"}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def _create(sim: Sim, merchant: Merchant, content: dict[str, Any], expiry: float | None) -> None:
    now = sim.clock.now()
    total = content["amount"]["total"]
    sim.store.insert(
        "payment_order",
        mchid=merchant.mchid,
        out_trade_no=content["out_trade_no"],
        appid=merchant.appid,
        openid=content["payer"]["openid"],
        total=total,
        payer_total=total,
        description=content["description"],
        attach=content.get("attach", ""),
        notify_url=content["notify_url"],
        request=_without_expiry(content),
        created_at=now,
        time_expire=now + _UNSET_EXPIRY_S if expiry is None else max(expiry, now + _SHORTEST_EXPIRY_S),
        state="NOTPAY",
    )


def _check_repetition(order: Row, content: dict[str, Any]) -> None:
    if order["state"] in {"SUCCESS", "REFUND"}:
        raise errors.order_paid()
    if order["state"] in {"CLOSED", "BURNED"}:
        raise errors.order_closed()
    if order["request"] != _without_expiry(content):
        raise errors.invalid_request("请求重入时，参数与首次请求时不一致", number=errors.OTHER_CONTENT)


def _prepay_id(sim: Sim, merchant: Merchant, out_trade_no: str) -> str:
    now = sim.clock.now()
    row = sim.store.one(
        "SELECT prepay_id FROM prepay WHERE mchid = ? AND out_trade_no = ? AND created_at > ?",
        merchant.mchid,
        out_trade_no,
        now - orders.PREPAY_LIFE_S,
    )
    if row is not None:
        return str(row["prepay_id"])
    # wx, ddHHMMSS, then 26 more characters (wechat-pay-v3.md §2.1).
    ident = f"wx{beijing(now):%d%H%M%S}{secrets.randbelow(10**6):06d}{secrets.token_hex(8)}0000"
    sim.store.insert("prepay", prepay_id=ident, mchid=merchant.mchid, out_trade_no=out_trade_no, created_at=now)
    return ident
