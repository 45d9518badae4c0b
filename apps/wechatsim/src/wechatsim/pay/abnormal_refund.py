"""POST …/{refund_id}/apply-abnormal-refund: an ABNORMAL refund is sent to another bank card (wechat-pay-v3.md §5).

ABNORMAL → PROCESSING at once, then SUCCESS with its REFUND.SUCCESS; `refund-processing` and `refund-late`
delay the end. Account and name come encrypted for the platform key that Wechatpay-Serial names.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from wechatsim import errors
from wechatsim.errors import PayError, param_error
from wechatsim.pay import fields, orders, refund_views, refunds
from wechatsim.pay.fields import Field, one_of, text
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim

# Only debit cards of these banks are accepted; the names appear in user_received_account.
BANKS = {
    "CMB_DEBIT": "招商银行",
    "COMM_DEBIT": "交通银行",
    "ABC_DEBIT": "农业银行",
    "CCB_DEBIT": "建设银行",
    "ICBC_DEBIT": "工商银行",
    "BOC_DEBIT": "中国银行",
    "PAB_DEBIT": "平安银行",
    "SPDB_DEBIT": "浦发银行",
    "CITIC_DEBIT": "中信银行",
    "CEB_DEBIT": "光大银行",
    "CMBC_DEBIT": "民生银行",
    "CIB_DEBIT": "兴业银行",
    "GDB_DEBIT": "广发银行",
    "PSBC_DEBIT": "邮储银行",
    "NBCB_DEBIT": "宁波银行",
}
_ENCRYPTED = ("bank_account", "real_name")
_BODY = {
    "out_refund_no": Field("商户退款单号", text(64), required=True),
    "type": Field("异常退款处理方式", one_of("USER_BANK_CARD", "MERCHANT_BANK_CARD"), required=True),
    "bank_type": Field("开户银行", one_of(*BANKS)),
    "bank_account": Field("收款银行卡号", text(1024)),
    "real_name": Field("收款用户姓名", text(1024)),
}


def apply(sim: Sim, merchant: Merchant, refund_id: str, body: bytes, serial: str) -> dict[str, Any]:
    """Returns the refund as PROCESSING. Raises PayError, also for a refund that is not ABNORMAL; then nothing changed."""
    content = fields.parse(body, _BODY)
    to_user = content["type"] == "USER_BANK_CARD"
    if to_user:
        _require(content, "bank_type", *_ENCRYPTED)
    decrypted = {name: _decrypted(merchant, serial, name, content[name]) for name in _ENCRYPTED if name in content}
    row = refunds.find(sim, merchant, content["out_refund_no"])
    if row is None or row["refund_id"] != refund_id:
        raise PayError(HTTPStatus.NOT_FOUND, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if row["status"] != "ABNORMAL":
        raise errors.invalid_request("退款单状态不是退款异常，不能发起异常退款")
    account = f"{BANKS[content['bank_type']]}借记卡{decrypted['bank_account'][-4:]}" if to_user else "商户结算银行账户"
    order = orders.by_number_of(sim, merchant.mchid, row["out_trade_no"])
    with sim.store.transaction():
        sim.store.run(
            "UPDATE refund SET status = 'PROCESSING', outcome = 'SUCCESS', finish_at = ?, channel = 'OTHER_BANKCARD',"
            " received_account = ? WHERE mchid = ? AND out_refund_no = ?",
            refunds.finish_time(sim, order, content["out_refund_no"]),
            account,
            merchant.mchid,
            content["out_refund_no"],
        )
        response = refund_views.response(order, refunds.find(sim, merchant, content["out_refund_no"]) or row)
    sim.wake()
    return response


def _require(content: dict[str, Any], *names: str) -> None:
    for name in names:
        if name not in content:
            message = f"输入源“/body/{name}”映射到字段“{_BODY[name].label}”必填性规则校验失败，此字段为必填项"
            raise param_error(f"/{name}", "required", message, "")


def _decrypted(merchant: Merchant, serial: str, name: str, value: str) -> str:
    key = merchant.platform_key_of(serial)
    if key is None:
        raise PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误，请检查后再试")
    try:
        return crypto.oaep_decrypt(key.key, value)
    except crypto.DecryptionError as error:
        message = f"输入源“/body/{name}”映射到字段“{_BODY[name].label}”解密失败"
        raise param_error(f"/{name}", "cannot decrypt", message) from error
