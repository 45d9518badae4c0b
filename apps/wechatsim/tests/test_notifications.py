"""The notifier: schedule, new signatures, attempts, restart."""

from __future__ import annotations

from pathlib import Path

from wechatsim.notify.notifier import SCHEDULE_S
from wechatsim.sim import Sim

from .conftest import MerchantClient, in_process, until


def test_the_schedule_is_wechats() -> None:
    assert len(SCHEDULE_S) == 15
    assert sum(SCHEDULE_S) == 24 * 3600 + 4 * 60


async def test_a_refused_notification_is_retried_and_signed_anew(merchant: MerchantClient, sim: Sim) -> None:
    merchant.statuses = [500, 401]
    await merchant.prepay("NOTE-00001")
    await merchant.pay("NOTE-00001")
    await until(lambda: len(merchant.calls) == 1)
    await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
    for done in (2, 3):
        sim.clock.advance(15)
        sim.notifier.wake()
        await until(lambda done=done: len(merchant.calls) == done)
        await until(lambda done=done: len(sim.store.all("SELECT 1 FROM attempt")) == done)
    bodies = {body for _, body in merchant.calls}
    signatures = {headers["Wechatpay-Signature"] for headers, _ in merchant.calls}
    nonces = {headers["Wechatpay-Nonce"] for headers, _ in merchant.calls}
    assert (len(bodies), len(signatures), len(nonces)) == (1, 3, 3)
    (shown,) = await merchant.notifications("NOTE-00001")
    assert shown["state"] == "DELIVERED"
    assert [(a["n"], a["status"], a["accepted"]) for a in shown["attempts"]] == [
        (1, 500, False),
        (2, 401, False),
        (3, 204, True),
    ]
    assert shown["attempts"][0]["request_body"].encode() == merchant.calls[0][1]


async def test_one_jump_of_the_clock_runs_through_the_whole_schedule(merchant: MerchantClient, sim: Sim) -> None:
    merchant.statuses = [500] * 40
    await merchant.prepay("NOTE-00002")
    await merchant.pay("NOTE-00002")
    sim.clock.advance(sum(SCHEDULE_S) + 1)
    sim.notifier.wake()
    await until(lambda: sim.store.one("SELECT 1 FROM notification WHERE state = 'EXHAUSTED'"))
    assert len(merchant.calls) == 16
    (shown,) = await merchant.notifications("NOTE-00002")
    assert shown["next_at"] is None


async def test_an_unreachable_receiver_is_an_attempt_with_an_error(merchant: MerchantClient, sim: Sim) -> None:
    await merchant.prepay("NOTE-00003", notify_url="http://127.0.0.1:1/closed")
    await merchant.pay("NOTE-00003")
    row = await until(lambda: sim.store.one("SELECT * FROM attempt"))
    assert (row["status"], row["accepted"]) == (None, 0)
    assert row["error"].startswith("ConnectionRefusedError")


async def test_pending_notifications_continue_after_a_restart(keys: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "sim.db")
    async with in_process(keys, store=store) as (merchant, sim):
        merchant.statuses = [503]
        await merchant.prepay("NOTE-00004")
        await merchant.pay("NOTE-00004")
        await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
        url = merchant.notify_url
    async with in_process(keys, store=store) as (merchant, sim):
        sim.store.run("UPDATE notification SET url = ?", merchant.notify_url)
        assert merchant.notify_url != url
        sim.clock.advance(15)
        sim.notifier.wake()
        await until(lambda: merchant.calls)
        await until(lambda: sim.store.one("SELECT 1 FROM notification WHERE state = 'DELIVERED'"))
        assert merchant.open(merchant.calls[0])["out_trade_no"] == "NOTE-00004"
        assert (await merchant.books("NOTE-00004"))["held"] == 19900


async def test_without_local_notify_only_public_https_is_accepted(keys: Path) -> None:
    async with in_process(keys, local=False) as (merchant, _):
        for url in ("http://a.example.com/n", "https://127.0.0.1/n", "https://localhost/n", "https://10.0.0.1/n"):
            order = merchant.order("NOTE-00005", notify_url=url)
            response = await merchant.send("POST", "/v3/pay/transactions/jsapi", order)
            assert (response.status_code, response.json()["detail"]["field"]) == (400, "/notify_url"), url
        assert (await merchant.control("GET", "/_sim/books")).json() == {"books": []}
        assert await merchant.prepay("NOTE-00005", notify_url="https://pay.example.com/n")
