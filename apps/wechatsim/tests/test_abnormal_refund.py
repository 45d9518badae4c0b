"""An abnormal refund sent to another card: ABNORMAL → PROCESSING → SUCCESS, with its notification (wechat-pay-v3.md §5)."""

from __future__ import annotations

from typing import Any

import pytest

from wechatsim.signing import crypto, pki

from .conftest import MerchantClient, until
from .refunds import REFUNDS, body, paid, status


async def abnormal(merchant: MerchantClient, order: str, number: str, total: int = 19900) -> str:
    """A refund that ended as ABNORMAL with its notification; returns its refund_id."""
    await merchant.control("POST", "/_sim/faults/set", {"name": "refund-abnormal", "times": 1})
    await paid(merchant, order, total)
    shown = (await merchant.send("POST", REFUNDS, body(merchant, order, number, total, total))).json()
    await until(lambda: len(merchant.calls) == 2)
    assert merchant.open(merchant.calls[1])["refund_status"] == "ABNORMAL"
    return str(shown["refund_id"])


def to_a_card(merchant: MerchantClient, number: str, **changed: Any) -> dict[str, Any]:
    key = pki.certificate_key((merchant.folder / "platform_cert.pem").read_text())
    return {
        "out_refund_no": number,
        "type": "USER_BANK_CARD",
        "bank_type": "ICBC_DEBIT",
        "bank_account": crypto.oaep_encrypt(key, "6222000000001234"),
        "real_name": crypto.oaep_encrypt(key, "王小明"),
    } | changed


async def send(merchant: MerchantClient, refund_id: str, content: dict[str, Any], serial: str = "") -> tuple[int, Any]:
    named = {"Wechatpay-Serial": serial or merchant.ids["platform_serial"]}
    response = await merchant.send("POST", f"{REFUNDS}/{refund_id}/apply-abnormal-refund", content, **named)
    return response.status_code, response.json()


async def test_it_is_sent_to_the_users_card_and_is_notified(merchant: MerchantClient) -> None:
    refund_id = await abnormal(merchant, "ABN-00001", "R-1")
    assert (await merchant.books("ABN-00001"))["held"] == 19900
    code, shown = await send(merchant, refund_id, to_a_card(merchant, "R-1"))
    assert (code, shown["status"], shown["channel"]) == (200, "PROCESSING", "OTHER_BANKCARD")
    assert (shown["refund_id"], shown["user_received_account"]) == (refund_id, "工商银行借记卡1234")
    assert "success_time" not in shown
    await until(lambda: len(merchant.calls) == 3)
    notice = merchant.open(merchant.calls[2])
    assert (notice["refund_status"], notice["out_refund_no"]) == ("SUCCESS", "R-1")
    assert notice["user_received_account"] == "工商银行借记卡1234"
    assert (await merchant.books("ABN-00001"))["held"] == 0


async def test_fields_encrypted_for_the_public_key_are_decrypted_too(merchant: MerchantClient) -> None:
    refund_id = await abnormal(merchant, "ABN-00002", "R-2")
    key = pki.load_key((merchant.folder / "pub_key_private.pem").read_text()).public_key()
    sealed = {name: crypto.oaep_encrypt(key, "6222000000009999") for name in ("bank_account", "real_name")}
    code, shown = await send(merchant, refund_id, to_a_card(merchant, "R-2", **sealed), merchant.ids["public_key_id"])
    assert (code, shown["user_received_account"]) == (200, "工商银行借记卡9999")


async def test_it_is_sent_to_the_merchants_account_without_a_card(merchant: MerchantClient) -> None:
    refund_id = await abnormal(merchant, "ABN-00003", "R-3")
    code, shown = await send(merchant, refund_id, {"out_refund_no": "R-3", "type": "MERCHANT_BANK_CARD"})
    assert (code, shown["status"], shown["user_received_account"]) == (200, "PROCESSING", "商户结算银行账户")


@pytest.mark.parametrize("name", ["bank_type", "bank_account", "real_name"])
async def test_the_users_card_needs_all_three_fields(merchant: MerchantClient, name: str) -> None:
    refund_id = await abnormal(merchant, "ABN-00004", "R-4")
    content = to_a_card(merchant, "R-4")
    del content[name]
    code, refused = await send(merchant, refund_id, content)
    assert (code, refused["code"], refused["detail"]["field"]) == (400, "PARAM_ERROR", f"/{name}")
    assert await status(merchant, "R-4") == "ABNORMAL"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"bank_type": "ICBC_CREDIT"}, "/bank_type"),
        ({"bank_account": "6222"}, "/bank_account"),
        ({"type": "X"}, "/type"),
    ],
)
async def test_invalid_fields_are_refused(merchant: MerchantClient, changed: dict[str, str], field: str) -> None:
    refund_id = await abnormal(merchant, "ABN-00005", "R-5")
    code, refused = await send(merchant, refund_id, to_a_card(merchant, "R-5", **changed))
    assert (code, refused["detail"]["field"]) == (400, field)
    assert await status(merchant, "R-5") == "ABNORMAL"


async def test_fields_encrypted_for_another_key_than_the_named_one_are_refused(merchant: MerchantClient) -> None:
    refund_id = await abnormal(merchant, "ABN-00006", "R-6")
    code, refused = await send(merchant, refund_id, to_a_card(merchant, "R-6"), merchant.ids["public_key_id"])
    assert (code, refused["detail"]["field"]) == (400, "/bank_account")
    code, refused = await send(merchant, refund_id, to_a_card(merchant, "R-6"), "0" * 40)
    assert (code, refused["code"], "Wechatpay-Serial" in refused["message"]) == (400, "PARAM_ERROR", True)
    assert await status(merchant, "R-6") == "ABNORMAL"


async def test_only_an_abnormal_refund_and_only_once(merchant: MerchantClient) -> None:
    refund_id = await abnormal(merchant, "ABN-00007", "R-7")
    await merchant.control("POST", "/_sim/faults/set", {"name": "refund-processing", "times": 1})
    content = to_a_card(merchant, "R-7")
    assert (await send(merchant, "50300000000000000000000000000", content))[0] == 404
    assert (await send(merchant, refund_id, content))[0] == 200
    assert await status(merchant, "R-7") == "PROCESSING"
    code, refused = await send(merchant, refund_id, content)
    assert (code, refused["code"]) == (400, "INVALID_REQUEST")
    await merchant.control("POST", "/_sim/refund/finish", {"out_refund_no": "R-7"})
    assert await status(merchant, "R-7") == "SUCCESS"
    assert (await send(merchant, refund_id, content))[0] == 400
    assert (await merchant.books("ABN-00007"))["refunded"] == 19900


async def test_an_order_of_the_magic_amount_can_be_refunded_to_a_card_as_well(merchant: MerchantClient) -> None:
    await paid(merchant, "ABN-00008", 777732)
    shown = (await merchant.send("POST", REFUNDS, body(merchant, "ABN-00008", "R-8", 777732, 777732))).json()
    await until(lambda: len(merchant.calls) == 2)
    assert (await send(merchant, shown["refund_id"], to_a_card(merchant, "R-8")))[0] == 200
    await until(lambda: len(merchant.calls) == 3)
    assert merchant.open(merchant.calls[2])["refund_status"] == "SUCCESS"
