"""Request bodies that must be identical at every retry: built once, stored, sent byte for byte."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from servicekit.clock import SHANGHAI

DESCRIPTION_CHARACTERS = 42
"""WeChat allows 127; its older documentation counts bytes, which is 42 Chinese characters."""
REASON_CHARACTERS = 26
"""WeChat allows 80, counted likewise."""


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
    if readable := _readable(reason, REASON_CHARACTERS):  # WeChat refuses an empty reason
        body["reason"] = readable
    body |= {"notify_url": notify_url, "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"}}
    return _text(body)


@dataclass(frozen=True)
class BankCard:
    """A buyer's card for an abnormal refund; `bank_type` is WeChat's code of the bank, such as ICBC_DEBIT."""

    bank_type: str
    account: str = field(repr=False)
    real_name: str = field(repr=False)


@dataclass(frozen=True)
class Reroute:
    """The request that sends an abnormal refund elsewhere, as it goes out; what is encrypted in `body` is so for WeChat
    alone, with the key of `serial`."""

    body: str = field(repr=False)
    serial: str


def abnormal_refund(out_refund_no: str, card: BankCard | None, seal: Callable[[str], str]) -> str:
    """The new destination of an abnormal refund (发起异常退款): a card of the buyer, or the merchant's own account. `seal`
    encrypts for WeChat: no service of ours can read the card in it."""
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
    """Text shown to the buyer; WeChat accepts only the Basic Multilingual Plane, without line breaks."""
    kept = "".join(each for each in text if each.isprintable() and ord(each) < 0x10000)
    return kept[:characters].strip()
