"""Bills: requested, downloaded, hashed, and correct to the fen (wechat-pay-v3.md §6)."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from wechatsim.clock import beijing
from wechatsim.pay import bill_faults, bill_rows
from wechatsim.sim import Sim

from .conftest import OPENID, MerchantClient, in_process, until


async def a_day(merchant: MerchantClient, sim: Sim) -> str:
    """Two payments and one partial refund, then the next day; returns their day."""
    day = f"{beijing(sim.clock.now()):%Y-%m-%d}"
    for number, total in (("BILL-00001", 19900), ("BILL-00002", 10000)):
        await merchant.prepay(number, amount={"total": total, "currency": "CNY"}, attach="a,b")
        await merchant.pay(number)
    await merchant.control("POST", "/_sim/refund", {"out_trade_no": "BILL-00002", "amount": 2500})
    sim.advance(86400)
    return day


async def fetch(merchant: MerchantClient, target: str) -> tuple[dict[str, Any], bytes]:
    offer = await merchant.send("GET", target)
    assert offer.status_code == 200, offer.text
    url = offer.json()["download_url"]
    assert url.startswith("http://sim/v3/billdownload/file?token=")
    file = await merchant.send("GET", url.removeprefix("http://sim"))
    assert file.status_code == 200
    assert not [name for name in file.headers if name.startswith("wechatpay-")]
    return offer.json(), file.content


def rows(text: str, columns: str, summary: str) -> tuple[list[list[str]], list[str]]:
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert lines[0] == columns
    assert lines[-3] == summary
    assert lines[-1] == ""
    assert all(line.startswith("`") for line in [*lines[1:-3], lines[-2]])
    return [line[1:].split(",`") for line in lines[1:-3]], lines[-2][1:].split(",`")


async def test_the_trade_bill_of_type_all(merchant: MerchantClient, sim: Sim) -> None:
    day = await a_day(merchant, sim)
    offer, content = await fetch(merchant, f"/v3/bill/tradebill?bill_date={day}")
    assert offer["hash_type"] == "SHA1"
    assert offer["hash_value"] == hashlib.sha1(content, usedforsecurity=False).hexdigest()
    lines, summary = rows(content.decode(), bill_rows.COLUMNS["ALL"], bill_rows.TRADE_SUMMARY)
    assert {len(line) for line in lines} == {27}
    sale, _, refund = lines
    assert (sale[6], sale[7], sale[9], sale[12], sale[21], sale[24]) == (
        "BILL-00001",
        OPENID,
        "SUCCESS",
        "199.00",
        "a,b",
        "199.00",
    )
    assert (sale[22], sale[23]) == ("1.19400", "0.60%")
    assert (refund[6], refund[9], refund[16], refund[19], refund[25]) == (
        "BILL-00002",
        "REFUND",
        "25.00",
        "SUCCESS",
        "25.00",
    )
    assert summary == ["3", "299.00", "25.00", "0.00", "1.64400", "299.00", "25.00"]


@pytest.mark.parametrize(("kind", "columns", "lines"), [("SUCCESS", 20, 2), ("REFUND", 29, 1)])
async def test_the_other_types_have_their_columns(
    merchant: MerchantClient, sim: Sim, kind: str, columns: int, lines: int
) -> None:
    day = await a_day(merchant, sim)
    _, content = await fetch(merchant, f"/v3/bill/tradebill?bill_date={day}&bill_type={kind}")
    found, _ = rows(content.decode(), bill_rows.COLUMNS[kind], bill_rows.TRADE_SUMMARY)
    assert (len(found), {len(line) for line in found}) == (lines, {columns})
    assert len(bill_rows.COLUMNS[kind].split(",")) == columns


async def test_gzip_is_hashed_before_it_is_zipped(merchant: MerchantClient, sim: Sim) -> None:
    day = await a_day(merchant, sim)
    offer, content = await fetch(merchant, f"/v3/bill/tradebill?bill_date={day}&tar_type=GZIP")
    assert offer["download_url"].endswith("&tartype=gzip")
    plain = gzip.decompress(content)
    assert offer["hash_value"] == hashlib.sha1(plain, usedforsecurity=False).hexdigest()


async def test_the_fund_bill_balances(merchant: MerchantClient, sim: Sim) -> None:
    day = await a_day(merchant, sim)
    _, content = await fetch(merchant, f"/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC")
    lines, summary = rows(content.decode(), bill_rows.FUND_COLUMNS, bill_rows.FUND_SUMMARY)
    assert [line[3] for line in lines] == ["交易", "扣除交易手续费", "交易", "扣除交易手续费", "退款"]
    assert [line[6] for line in lines] == ["199.00", "1.19", "100.00", "0.60", "24.85"]
    assert lines[-1][7] == "272.36"
    assert summary == ["5", "2", "299.00", "3", "26.64"]


async def test_days_without_a_bill_are_refused(merchant: MerchantClient, sim: Sim) -> None:
    today = f"{beijing(sim.clock.now()):%Y-%m-%d}"
    for target, code in (
        (f"/v3/bill/tradebill?bill_date={today}", "INVALID_REQUEST"),
        ("/v3/bill/tradebill?bill_date=20260101", "PARAM_ERROR"),
        ("/v3/bill/tradebill", "PARAM_ERROR"),
        ("/v3/bill/tradebill?bill_date=2020-01-01", "INVALID_REQUEST"),
        ("/v3/bill/tradebill?bill_date=2020-01-01&bill_type=X", "PARAM_ERROR"),
    ):
        response = await merchant.send("GET", target)
        assert (response.status_code, response.json()["code"]) == (400, code), target
    sim.advance(86400)
    empty = await merchant.send("GET", f"/v3/bill/tradebill?bill_date={today}")
    assert (empty.status_code, empty.json()["code"]) == (400, "NO_STATEMENT_EXIST")


async def test_a_bill_that_is_not_ready_is_available_later(merchant: MerchantClient, sim: Sim) -> None:
    day = await a_day(merchant, sim)
    await merchant.control("POST", "/_sim/faults/set", {"name": "bill-not-ready", "times": 1})
    early = await merchant.send("GET", f"/v3/bill/tradebill?bill_date={day}")
    assert (early.status_code, early.json()["code"]) == (400, "STATEMENT_CREATING")
    await fetch(merchant, f"/v3/bill/tradebill?bill_date={day}")


async def test_strict_enforces_ten_oclock(keys: Path) -> None:
    async with in_process(keys, strict=True) as (merchant, sim):
        await a_day(merchant, sim)
        now = beijing(sim.clock.now())
        sim.advance(86400 - now.hour * 3600 - now.minute * 60 - now.second + 30)
        await merchant.prepay("BILL-00003")
        await merchant.pay("BILL-00003")
        day = f"{beijing(sim.clock.now()):%Y-%m-%d}"
        sim.advance(86400)
        early = await merchant.send("GET", f"/v3/bill/tradebill?bill_date={day}")
        assert (early.status_code, early.json()["code"]) == (400, "STATEMENT_CREATING")
        sim.advance(10 * 3600)
        await fetch(merchant, f"/v3/bill/tradebill?bill_date={day}")


async def test_strict_enforces_a_minute_between_refunds(keys: Path) -> None:
    async with in_process(keys, strict=True) as (merchant, sim):
        await merchant.prepay("BILL-00004")
        await merchant.pay("BILL-00004")
        amount = {"refund": 1, "total": 19900, "currency": "CNY"}
        refund = {"out_trade_no": "BILL-00004", "out_refund_no": "S-1", "amount": amount}
        target = "/v3/refund/domestic/refunds"
        assert (await merchant.send("POST", target, refund)).status_code == 200
        second = await merchant.send("POST", target, refund | {"out_refund_no": "S-2"})
        assert (second.status_code, second.json()["code"]) == (429, "FREQUENCY_LIMITED")
        sim.advance(60)
        assert (await merchant.send("POST", target, refund | {"out_refund_no": "S-2"})).status_code == 200


async def test_a_download_link_is_valid_for_five_minutes_and_for_its_merchant(
    merchant: MerchantClient, sim: Sim
) -> None:
    day = await a_day(merchant, sim)
    offer = await merchant.send("GET", f"/v3/bill/tradebill?bill_date={day}")
    target = offer.json()["download_url"].removeprefix("http://sim")
    unsigned = await merchant.send("GET", target, Authorization="")
    assert unsigned.status_code == 401
    sim.advance(301)
    late = await merchant.send("GET", target)
    assert (late.status_code, late.json()["code"]) == (400, "INVALID_REQUEST")


async def callback_faults(merchant: MerchantClient, name: str, **more: Any) -> None:
    assert (await merchant.control("POST", "/_sim/faults/set", {"name": name} | more)).status_code == 200


async def trade_bill(merchant: MerchantClient, day: str) -> str:
    return (await fetch(merchant, f"/v3/bill/tradebill?bill_date={day}"))[1].decode()


async def test_cells_are_not_escaped(merchant: MerchantClient, sim: Sim) -> None:
    day = f"{beijing(sim.clock.now()):%Y-%m-%d}"
    await merchant.prepay("BILL-00005", description='海景, "含早"\n一晚', attach='{"shop":7,"desk":2}')
    await merchant.pay("BILL-00005")
    sim.advance(86400)
    assert ',`海景, "含早"\n一晚,`{"shop":7,"desk":2},`' in await trade_bill(merchant, day)


async def test_awkward_and_unreadable_cells_apply_to_the_matched_number_only(
    merchant: MerchantClient, sim: Sim
) -> None:
    day = await a_day(merchant, sim)
    await callback_faults(merchant, "bill-awkward", match="BILL-00001")
    await callback_faults(merchant, "bill-unreadable", match="BILL-00002")
    text = await trade_bill(merchant, day)
    assert text.count(bill_faults.AWKWARD) == 2
    assert text.count(bill_faults.UNREADABLE) == 2  # the payment and its refund
    head, _, tail = text.partition(bill_rows.TRADE_SUMMARY)
    assert head.startswith("\ufeff" + bill_rows.COLUMNS["ALL"])
    assert tail == "\r\n`3,`299.00,`25.00,`0.00,`1.64400,`299.00,`25.00\r\n"


async def test_payments_of_other_apps_are_on_the_bill_too(merchant: MerchantClient, sim: Sim) -> None:
    day = await a_day(merchant, sim)
    await callback_faults(merchant, "bill-foreign", value=31)
    lines, summary = rows(await trade_bill(merchant, day), bill_rows.COLUMNS["ALL"], bill_rows.TRADE_SUMMARY)
    foreign = [line for line in lines if line[1] == bill_faults.FOREIGN_APPID]
    assert len(foreign) == len({line[6] for line in foreign}) == len({line[5] for line in foreign}) == 31
    assert {(line[2], line[24]) for line in foreign} == {(merchant.ids["mchid"], "10.00")}
    assert summary[:2] == ["34", "609.00"]


async def test_a_payment_is_moved_to_the_bill_of_the_day_before(merchant: MerchantClient, sim: Sim) -> None:
    day = await a_day(merchant, sim)
    await merchant.prepay("BILL-00006")
    await merchant.pay("BILL-00006")
    following = f"{beijing(sim.clock.now()):%Y-%m-%d}"
    await merchant.prepay("BILL-00007")
    await merchant.pay("BILL-00007")
    sim.advance(86400)
    await callback_faults(merchant, "bill-other-day", match="BILL-00006")
    lines, _ = rows(await trade_bill(merchant, day), bill_rows.COLUMNS["ALL"], bill_rows.TRADE_SUMMARY)
    assert [(line[6], line[0][:10]) for line in lines if line[9] == "SUCCESS"] == [
        ("BILL-00001", day),
        ("BILL-00002", day),
        ("BILL-00006", following),
    ]
    lines, _ = rows(await trade_bill(merchant, following), bill_rows.COLUMNS["ALL"], bill_rows.TRADE_SUMMARY)
    assert [line[6] for line in lines] == ["BILL-00007"]


@pytest.mark.parametrize("asked_for", [True, False])
async def test_refunds_from_the_available_balance_are_on_the_fund_bill_only(
    merchant: MerchantClient, sim: Sim, asked_for: bool
) -> None:
    day = await a_day(merchant, sim)
    refund: dict[str, Any] = {"out_trade_no": "BILL-00001", "out_refund_no": "A-1"}
    refund["amount"] = {"refund": 100, "total": 19900, "currency": "CNY"}
    if asked_for:
        refund["funds_account"] = "AVAILABLE"
    else:
        await callback_faults(merchant, "refund-available", match="A-1")
    response = await merchant.send("POST", "/v3/refund/domestic/refunds", refund)
    assert response.json()["funds_account"] == "AVAILABLE"
    await until(lambda: sim.store.one("SELECT 1 FROM refund WHERE out_refund_no = 'A-1' AND status = 'SUCCESS'"))
    following = f"{beijing(sim.clock.now()):%Y-%m-%d}"
    sim.advance(86400)
    none = await merchant.send("GET", f"/v3/bill/tradebill?bill_date={following}")
    assert (none.status_code, none.json()["code"]) == (400, "NO_STATEMENT_EXIST")
    _, funds = await fetch(merchant, f"/v3/bill/fundflowbill?bill_date={following}&account_type=BASIC")
    assert [line[10] for line in rows(funds.decode(), bill_rows.FUND_COLUMNS, bill_rows.FUND_SUMMARY)[0]] == ["A-1"]
    assert "A-1" not in await trade_bill(merchant, day)
