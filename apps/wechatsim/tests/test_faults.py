"""Each fault has the effect that the table describes, and the ledger stays correct."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from wechatsim.faults import FAULT_BY_AMOUNT, FAULT_BY_NAME, FAULTS
from wechatsim.signing import crypto, pki, signatures
from wechatsim.sim import Sim

from .conftest import LiveServer, MerchantClient, in_process, until

CERTIFICATES = "/v3/certificates"


async def fault(merchant: MerchantClient, name: str, **more: Any) -> None:
    response = await merchant.control("POST", "/_sim/faults/set", {"name": name} | more)
    assert response.status_code == 200, response.text


def signature_is_valid(merchant: MerchantClient, call: tuple[dict[str, str], bytes]) -> bool:
    headers, body = call
    public = pki.certificate_key((merchant.folder / "platform_cert.pem").read_text())
    message = crypto.response_message(headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], body)
    return crypto.verify(public, message, headers["Wechatpay-Signature"])


def test_the_table_is_complete() -> None:
    assert len(FAULT_BY_NAME) == len(FAULTS)
    assert len(FAULT_BY_AMOUNT) == len([kind for kind in FAULTS if kind.magic])
    assert all(777701 <= amount <= 777799 for amount in FAULT_BY_AMOUNT)


@pytest.mark.parametrize(
    ("name", "verifies"),
    [
        ("callback-bad-signature", False),
        ("callback-bad-body", False),
        ("callback-signtest", False),
        ("callback-old-time", True),
        ("callback-wrong-serial", True),
        ("callback-wrong-amount", True),
        ("callback-wrong-mchid", True),
        ("callback-wrong-appid", True),
        ("callback-wrong-currency", True),
        ("callback-unknown-order", True),
    ],
)
async def test_a_tampered_attempt_is_followed_by_a_correct_one(
    merchant: MerchantClient, sim: Sim, name: str, verifies: bool
) -> None:
    merchant.statuses = [401]
    await fault(merchant, name, times=1)
    await merchant.prepay("FLT-00001")
    truth = await merchant.pay("FLT-00001")
    await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
    headers, raw = merchant.calls[0]
    assert signature_is_valid(merchant, merchant.calls[0]) is verifies
    if name == "callback-signtest":
        assert headers["Wechatpay-Signature"].startswith(signatures.SIGNTEST)
    if name == "callback-wrong-serial":
        assert headers["Wechatpay-Serial"] != merchant.ids["platform_serial"]
        assert len(headers["Wechatpay-Serial"]) == 40
    if name == "callback-old-time":
        assert int(headers["Wechatpay-Timestamp"]) < sim.clock.real() - 500
    if name == "callback-wrong-amount":
        assert merchant.open((headers, raw))["amount"]["total"] == truth["amount"]["total"] + 1
    if name == "callback-wrong-currency":
        said = merchant.open((headers, raw))["amount"]
        assert said == truth["amount"] | {"currency": "USD", "payer_currency": "USD"}
    if name == "callback-unknown-order":
        assert merchant.open((headers, raw))["out_trade_no"] != "FLT-00001"
    sim.advance(15)
    await until(lambda: len(merchant.calls) == 2)
    assert merchant.open(merchant.calls[1]) == truth
    assert (await merchant.books("FLT-00001"))["held"] == 19900


@pytest.mark.parametrize(
    ("name", "status", "code", "state"),
    [
        ("close-paying", 202, "USERPAYING", "NOTPAY"),
        ("close-unknown", 404, "ORDER_NOT_EXIST", "NOTPAY"),
        ("close-closed", 400, "ORDER_CLOSED", "CLOSED"),
    ],
)
async def test_a_close_returns_something_other_than_204(
    merchant: MerchantClient, name: str, status: int, code: str, state: str
) -> None:
    await fault(merchant, name, times=1, match="FLT-CLOSE")
    await merchant.prepay("FLT-CLOSE1")
    target = "/v3/pay/transactions/out-trade-no/FLT-CLOSE1/close"
    response = await merchant.send("POST", target, {"mchid": merchant.ids["mchid"]})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not [header for header in response.headers if header.startswith("wechatpay-")]
    assert (await merchant.books("FLT-CLOSE1"))["state"] == state
    again = await merchant.send("POST", target, {"mchid": merchant.ids["mchid"]})
    assert again.status_code == 204
    assert (await merchant.books("FLT-CLOSE1"))["state"] == "CLOSED"


@pytest.mark.parametrize("name", ["close-paying", "close-unknown", "close-closed"])
async def test_a_paid_order_is_called_paid_whatever_close_fault_is_on(merchant: MerchantClient, name: str) -> None:
    await fault(merchant, name)
    await merchant.prepay("FLT-CLOSE2")
    await merchant.pay("FLT-CLOSE2")
    target = "/v3/pay/transactions/out-trade-no/FLT-CLOSE2/close"
    response = await merchant.send("POST", target, {"mchid": merchant.ids["mchid"]})
    assert (response.status_code, response.json()["code"]) == (400, "ORDERPAID")
    assert (await merchant.books("FLT-CLOSE2"))["held"] == 19900


async def test_a_number_that_was_never_ordered_is_unknown_to_a_close_by_the_page(merchant: MerchantClient) -> None:
    await fault(merchant, "close-unknown", times=1)
    close = "/v3/pay/transactions/out-trade-no/FLT-CLOSE3/close"
    response = await merchant.send("POST", close, {"mchid": merchant.ids["mchid"]})
    assert (response.status_code, response.json()["code"]) == (404, "ORDER_NOT_EXIST")
    assert await merchant.prepay("FLT-CLOSE3")


async def test_content_encrypted_with_another_api_key_cannot_be_decrypted(merchant: MerchantClient) -> None:
    await fault(merchant, "callback-bad-ciphertext", times=1)
    await merchant.prepay("FLT-00002")
    await merchant.pay("FLT-00002")
    await until(lambda: merchant.calls)
    assert signature_is_valid(merchant, merchant.calls[0])
    with pytest.raises(crypto.DecryptionError):
        merchant.open(merchant.calls[0])


async def test_lost_doubled_late_and_again(merchant: MerchantClient, sim: Sim) -> None:
    for name in ("lost", "doubled", "late", "again"):
        await fault(merchant, f"callback-{name}", match=f"FLT-{name}")
        await merchant.prepay(f"FLT-{name}")
        await merchant.pay(f"FLT-{name}")

    def seen(name: str) -> int:
        return sum(merchant.open(call)["out_trade_no"] == f"FLT-{name}" for call in merchant.calls)

    await until(lambda: seen("doubled") == 2)
    await until(lambda: seen("again") == 1)
    assert (seen("lost"), seen("late")) == (0, 0)
    (lost,) = await merchant.notifications("FLT-lost")
    assert (lost["state"], lost["attempts"]) == ("LOST", [])
    await until(
        lambda: sim.store.one(
            "SELECT 1 FROM attempt JOIN notification n ON n.id = notification_id WHERE out_trade_no = 'FLT-again'"
        )
    )
    sim.advance(61)
    await until(lambda: (seen("again"), seen("late")) == (2, 1))
    response = await merchant.control("POST", f"/_sim/notifications/{lost['id']}/resend", {})
    assert response.json()["state"] == "PENDING"
    await until(lambda: seen("lost") == 1)


async def test_callback_5xx_does_not_send_the_first_attempt(merchant: MerchantClient, sim: Sim) -> None:
    await fault(merchant, "callback-5xx", times=1)
    await merchant.prepay("FLT-00003")
    await merchant.pay("FLT-00003")
    await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
    assert merchant.calls == []
    sim.advance(15)
    await until(lambda: len(merchant.calls) == 1)
    await until(lambda: sim.store.one("SELECT 1 FROM notification WHERE state = 'DELIVERED'"))
    (shown,) = await merchant.notifications("FLT-00003")
    assert [a["status"] for a in shown["attempts"]] == [502, 204]


async def test_notifications_can_be_sent_in_reverse_order(merchant: MerchantClient) -> None:
    await fault(merchant, "callback-reordered")
    await merchant.prepay("FLT-00004")
    await merchant.pay("FLT-00004")
    refund = {"out_trade_no": "FLT-00004", "notify_url": merchant.notify_url, "amount": 100}
    await merchant.control("POST", "/_sim/refund", refund)
    await until(lambda: len(merchant.calls) == 2)
    assert [json.loads(body)["event_type"] for _, body in merchant.calls] == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


async def test_the_other_key_signs_when_modes_are_switched(merchant: MerchantClient) -> None:
    await fault(merchant, "callback-other-key", times=1)
    await merchant.prepay("FLT-00005")
    truth = await merchant.pay("FLT-00005")
    await until(lambda: merchant.calls)
    assert merchant.calls[0][0]["Wechatpay-Serial"] == merchant.ids["public_key_id"]
    assert merchant.open(merchant.calls[0]) == truth


async def test_api_429_changes_nothing_and_api_5xx_after_carries_the_request_out(merchant: MerchantClient) -> None:
    order = merchant.order("FLT-00006")
    for name, status, code, known in (
        ("api-5xx", 500, "SYSTEM_ERROR", 0),
        ("api-429", 429, "FREQUENCY_LIMITED", 0),
        ("api-5xx-after", 500, "SYSTEM_ERROR", 1),
    ):
        await fault(merchant, name, times=1)
        response = await merchant.send("POST", "/v3/pay/transactions/jsapi", order)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert not [header for header in response.headers if header.startswith("wechatpay-")]
        assert len((await merchant.control("GET", "/_sim/books")).json()["books"]) == known
    assert await merchant.prepay("FLT-00006")


async def test_responses_can_be_wrongly_signed(merchant: MerchantClient) -> None:
    for name in ("api-signtest", "api-bad-signature"):
        await fault(merchant, name, times=1)
        response = await merchant.send("GET", CERTIFICATES)
        headers = {key.title(): value for key, value in response.headers.items()}
        assert response.status_code == 200
        assert not signature_is_valid(merchant, (headers, response.content)), name
    good = await merchant.send("GET", CERTIFICATES)
    assert signature_is_valid(merchant, ({key.title(): value for key, value in good.headers.items()}, good.content))


def test_a_dropped_response_breaks_the_connection_after_the_request_was_carried_out(
    live: LiveServer, keys: Path
) -> None:
    merchant = MerchantClient(keys)
    body = json.dumps(merchant.order("FLT-00007", amount={"total": 777742})).encode()
    target = "/v3/pay/transactions/jsapi"
    headers = {"Authorization": merchant.authorization("POST", target, body)}
    with httpx.Client(trust_env=False, base_url=live.url) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post(target, content=body, headers=headers)
        assert len(http.get("/_sim/books?out_trade_no=FLT-00007").json()["books"]) == 1


async def test_magic_amounts_work_and_can_be_turned_off(merchant: MerchantClient, keys: Path) -> None:
    await merchant.prepay("FLT-00008", amount={"total": 777701})
    response = await merchant.control("POST", "/_sim/pay", {"out_trade_no": "FLT-00008"})
    assert (response.status_code, response.json()["error"]) == (409, "cancelled")
    assert (await merchant.books("FLT-00008"))["state"] == "NOTPAY"
    async with in_process(keys, magic_amounts=False) as (plain, _):
        await plain.prepay("FLT-00008", amount={"total": 777701})
        await plain.pay("FLT-00008")


async def test_faults_end_after_their_times_and_survive_a_restart(keys: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "sim.db")
    async with in_process(keys, store=store) as (merchant, sim):
        await fault(merchant, "api-429", times=2)
        assert (await merchant.send("GET", CERTIFICATES)).status_code == 429
        sim.advance(100)
    async with in_process(keys, store=store) as (merchant, sim):
        assert round(sim.clock.offset) == 100
        assert (await merchant.send("GET", CERTIFICATES)).status_code == 429
        assert (await merchant.send("GET", CERTIFICATES)).status_code == 200
        unknown = await merchant.control("POST", "/_sim/faults/set", {"name": "nothing"})
        assert (unknown.status_code, unknown.json()["error"]) == (404, "unknown_fault")


async def test_rotation_lists_both_then_signs_with_the_new_and_retires_the_old(keys: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "sim.db")
    async with in_process(keys, store=store) as (merchant, sim):
        old = merchant.ids["platform_serial"]
        done = (await merchant.control("POST", "/_sim/rotate", {"after": "10m"})).json()
        assert (done["signing"], len(done["listed"])) == (old, 2)
        new = done["listed"][1]
        assert (await merchant.send("GET", CERTIFICATES)).headers["wechatpay-serial"] == old
        sim.advance(601)
    async with in_process(keys, store=store) as (merchant, sim):
        response = await merchant.send("GET", CERTIFICATES)
        assert response.headers["wechatpay-serial"] == new
        assert [entry["serial_no"] for entry in response.json()["data"]] == [old, new]
        entry = response.json()["data"][1]["encrypt_certificate"]
        pem = crypto.gcm_decrypt(merchant.ids["apiv3_key"], entry["nonce"], entry["ciphertext"], "certificate")
        assert pki.certificate_serial(pem.decode()) == new
        sim.advance(86400)
        assert [e["serial_no"] for e in (await merchant.send("GET", CERTIFICATES)).json()["data"]] == [new]


def test_the_readme_has_the_table() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text()
    for kind in FAULTS:
        assert f"| `{kind.name}` | {kind.effect} |" in text
        assert not kind.magic or f"| {kind.magic} |" in text


def test_a_signtest_signature_has_full_length_or_is_invalid_base64() -> None:
    made = [signatures.signtest() for _ in range(200)]
    lengths = {len(one) for one in made}
    assert lengths == {344, 341}
    assert all(one.startswith("WECHATPAY/SIGNTEST/") for one in made)
    assert all(len(base64.b64decode(one, validate=True)) == 256 for one in made if len(one) == 344)
    with pytest.raises(binascii.Error):
        base64.b64decode(next(one for one in made if len(one) == 341), validate=True)
