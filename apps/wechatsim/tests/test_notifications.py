"""The notification engine: schedule, re-signing, attempts, restart."""

from __future__ import annotations

from pathlib import Path

from wechatsim.notify.notifier import SCHEDULE_S
from wechatsim.sim import Sim

from .conftest import Partner, in_process, until


def test_the_schedule_is_wechats() -> None:
    assert len(SCHEDULE_S) == 15
    assert sum(SCHEDULE_S) == 24 * 3600 + 4 * 60


async def test_a_refused_notification_comes_again_signed_anew(partner: Partner, sim: Sim) -> None:
    partner.answers = [500, 401]
    await partner.prepay("NOTE-00001")
    await partner.pay("NOTE-00001")
    await until(lambda: len(partner.calls) == 1)
    await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
    for done in (2, 3):
        sim.clock.advance(15)
        sim.notifier.wake()
        await until(lambda done=done: len(partner.calls) == done)
        await until(lambda done=done: len(sim.store.all("SELECT 1 FROM attempt")) == done)
    bodies = {body for _, body in partner.calls}
    signatures = {headers["Wechatpay-Signature"] for headers, _ in partner.calls}
    nonces = {headers["Wechatpay-Nonce"] for headers, _ in partner.calls}
    assert (len(bodies), len(signatures), len(nonces)) == (1, 3, 3)
    (shown,) = await partner.notifications("NOTE-00001")
    assert shown["state"] == "DELIVERED"
    assert [(a["n"], a["status"], a["accepted"]) for a in shown["attempts"]] == [
        (1, 500, False),
        (2, 401, False),
        (3, 204, True),
    ]
    assert shown["attempts"][0]["request_body"].encode() == partner.calls[0][1]


async def test_one_jump_of_the_clock_runs_the_whole_schedule(partner: Partner, sim: Sim) -> None:
    partner.answers = [500] * 40
    await partner.prepay("NOTE-00002")
    await partner.pay("NOTE-00002")
    sim.clock.advance(sum(SCHEDULE_S) + 1)
    sim.notifier.wake()
    await until(lambda: sim.store.one("SELECT 1 FROM notification WHERE state = 'EXHAUSTED'"))
    assert len(partner.calls) == 16
    (shown,) = await partner.notifications("NOTE-00002")
    assert shown["next_at"] is None


async def test_a_dead_receiver_is_an_attempt_with_an_error(partner: Partner, sim: Sim) -> None:
    await partner.prepay("NOTE-00003", notify_url="http://127.0.0.1:1/closed")
    await partner.pay("NOTE-00003")
    row = await until(lambda: sim.store.one("SELECT * FROM attempt"))
    assert (row["status"], row["accepted"]) == (None, 0)
    assert row["error"].startswith("ConnectionRefusedError")


async def test_what_was_pending_goes_on_after_a_restart(keys: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "sim.db")
    async with in_process(keys, store=store) as (partner, sim):
        partner.answers = [503]
        await partner.prepay("NOTE-00004")
        await partner.pay("NOTE-00004")
        await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
        url = partner.notify_url
    async with in_process(keys, store=store) as (partner, sim):
        sim.store.run("UPDATE notification SET url = ?", partner.notify_url)
        assert partner.notify_url != url
        sim.clock.advance(15)
        sim.notifier.wake()
        await until(lambda: partner.calls)
        await until(lambda: sim.store.one("SELECT 1 FROM notification WHERE state = 'DELIVERED'"))
        assert partner.open(partner.calls[0])["out_trade_no"] == "NOTE-00004"
        assert (await partner.books("NOTE-00004"))["held"] == 19900


async def test_without_local_notify_only_public_https_is_taken(keys: Path) -> None:
    async with in_process(keys, local=False) as (partner, _):
        for url in ("http://a.example.com/n", "https://127.0.0.1/n", "https://localhost/n", "https://10.0.0.1/n"):
            order = partner.order("NOTE-00005", notify_url=url)
            answer = await partner.send("POST", "/v3/pay/transactions/jsapi", order)
            assert (answer.status_code, answer.json()["detail"]["field"]) == (400, "/notify_url"), url
        assert (await partner.control("GET", "/_sim/books")).json() == {"books": []}
        assert await partner.prepay("NOTE-00005", notify_url="https://pay.example.com/n")
