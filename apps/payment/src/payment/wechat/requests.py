"""The bodies that WeChat is sent where a repeated call must be the same call: made once, stored, sent as they are."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from servicekit.clock import SHANGHAI

DESCRIPTION_CHARACTERS = 42
"""WeChat allows 127; in bytes, as its older documents count, that is 42 Chinese characters."""
REASON_CHARACTERS = 26
"""80, counted likewise."""


def jsapi(
    *,
    mchid: str,
    appid: str,
    description: str,
    out_trade_no: str,
    total_fen: int,
    openid: str,
    attach: str,
    notify_url: str,
    time_expire: datetime,
) -> str:
    """A JSAPI prepay (JSAPI下单)."""
    return _text(
        {
            "appid": appid,
            "mchid": mchid,
            "description": _readable(description, DESCRIPTION_CHARACTERS),
            "out_trade_no": out_trade_no,
            "time_expire": time_expire.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "attach": attach,
            "notify_url": notify_url,
            "amount": {"total": total_fen, "currency": "CNY"},
            "payer": {"openid": openid},
        }
    )


def refund(
    *, out_trade_no: str, out_refund_no: str, reason: str, notify_url: str, refund_fen: int, total_fen: int
) -> str:
    """A refund, of the whole or a part (申请退款)."""
    body: dict[str, Any] = {"out_trade_no": out_trade_no, "out_refund_no": out_refund_no}
    if readable := _readable(reason, REASON_CHARACTERS):  # WeChat refuses an empty one
        body["reason"] = readable
    body |= {"notify_url": notify_url, "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"}}
    return _text(body)


@dataclass(frozen=True)
class BankCard:
    """A buyer's card for an abnormal refund; `bank_type` is WeChat's word for the bank, such as ICBC_DEBIT."""

    bank_type: str
    account: str = field(repr=False)
    real_name: str = field(repr=False)


def abnormal_refund(out_refund_no: str, card: BankCard | None, seal: Callable[[str], str]) -> str:
    """Where an abnormal refund is to go instead (发起异常退款): a card of the buyer, or the merchant's own account. Not
    stored: it names a person's card."""
    body: dict[str, Any] = {"out_refund_no": out_refund_no, "type": "MERCHANT_BANK_CARD"}
    if card:
        body |= {
            "type": "USER_BANK_CARD",
            "bank_type": card.bank_type,
            "bank_account": seal(card.account),
            "real_name": seal(card.real_name),
        }
    return _text(body)


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _readable(text: str, characters: int) -> str:
    """What the buyer reads; WeChat takes only characters of the Basic Multilingual Plane and no line breaks."""
    kept = "".join(each for each in text if each.isprintable() and ord(each) < 0x10000)
    return kept[:characters].strip()
