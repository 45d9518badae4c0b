"""What a host sees of payouts: the records' own sums to the fen, down to the orders, and nothing of another host."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.daily import statements
from payment.daily.statement_csv import plain
from payment.errors import PeriodTooLong
from servicekit.errors import InvalidInput
from tests.service.payment.books import Shop

DAY, NEXT = date(2026, 11, 22), date(2026, 11, 23)
HOST, OTHER = 2, 3


@pytest.fixture
def shop(db):
    return Shop(db)


@pytest.fixture
def ask(service, tokens):
    async def send(name, body, *, host=HOST, role="merchant", language="zh"):
        headers = {**tokens.bearer(host, role), "Accept-Language": language}
        return await service.http.post(f"/payment/v1/host/{name}", json=body, headers=headers)

    return send


async def listed(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["list"]


async def filled(shop):
    """Two homestays of one host on two days, one stay of another host; a refund on the day, and one of the day after."""
    first = await shop.stay(1, fen=19900, homestay=1)
    await shop.stay(2, fen=5000, homestay=1, title="云海小院（新）")
    third = await shop.stay(3, fen=33, homestay=4, title="=HYPERLINK(1)")
    await shop.stay(4, fen=7000, business=8, host=OTHER, homestay=9)
    await shop.refund(1, first, fen=1000, ended="2026-11-21 05:00:00+00")
    await shop.payouts.run(DAY)
    shop.used.clear()
    await shop.refund(2, third, fen=33, ended="2026-11-23 05:00:00+00")
    await shop.payouts.run(NEXT)


async def test_days_and_homestays_have_the_sums_of_their_records(shop, ask):
    await filled(shop)
    found = await listed(await ask("payoutList", {}))
    names = ("day", "homestayId", "title", "orders", "totalFen", "refundedFen", "keptFen", "feeFen", "payableFen")
    assert [tuple(each[name] for name in names) for each in found] == [
        ("2026-11-23", 4, "=HYPERLINK(1)", 1, 0, 33, -33, 0, -33),
        ("2026-11-22", 1, "云海小院（新）", 2, 24900, 1000, 23900, 143, 23757),
        ("2026-11-22", 4, "=HYPERLINK(1)", 1, 33, 0, 33, 0, 33),
    ]
    net = {(row[0], str(row[1])): row[8] for row in await shop.records()}
    for day in ("2026-11-22", "2026-11-23"):
        assert sum(each["payableFen"] for each in found if each["day"] == day) == net[7, day]


async def test_a_homestay_or_older_days_alone(shop, ask):
    await filled(shop)
    every = await listed(await ask("payoutList", {}))
    assert await listed(await ask("payoutList", {"homestayId": 1})) == every[1:2]
    assert await listed(await ask("payoutList", {"pageSize": 1})) == every[:1]
    assert await listed(await ask("payoutList", {"pageSize": 1, "lastDay": "2026-11-23"})) == every[1:]
    assert await listed(await ask("payoutList", {"lastDay": "2026-11-22"})) == []
    assert await listed(await ask("payoutList", {"homestayId": 9})) == []


async def test_a_day_opens_to_its_orders(shop, ask):
    await filled(shop)
    orders = await listed(await ask("payoutOrders", {"day": "2026-11-22", "homestayId": 1}))
    names = ("sn", "totalFen", "refundedFen", "keptFen", "feeFen", "payableFen")
    assert [tuple(each[name] for name in names) for each in orders] == [
        ("HSO2026112210000000000001", 19900, 1000, 18900, 113, 18787),
        ("HSO2026112210000000000002", 5000, 0, 5000, 30, 4970),
    ]
    assert [each["title"] for each in orders] == ["云海小院", "云海小院（新）"]


async def test_another_hosts_are_not_found_and_guests_are_not_let_in(shop, ask):
    await filled(shop)
    other = await ask("payoutOrders", {"day": "2026-11-22", "homestayId": 1}, host=OTHER)
    assert (other.status_code, other.json()["code"]) == (404, 104081)
    assert [each["homestayId"] for each in await listed(await ask("payoutList", {}, host=OTHER))] == [9]
    for name, body in (
        ("payoutList", {}),
        ("payoutOrders", {"day": "2026-11-22", "homestayId": 1}),
        ("payoutCsv", {"from": "2026-11-22", "to": "2026-11-22"}),
    ):
        assert (await ask(name, body, role="buyer")).status_code == 403
        assert (await ask(name, body, host=OTHER)).text.count("HSO20261122100000000000") <= 1


async def test_a_cancelled_order_shows_what_went_back_and_what_is_kept(shop, ask):
    await shop.cancelled(5, fen=10000, back=4000)
    await shop.payouts.run(DAY)
    [order] = await listed(await ask("payoutOrders", {"day": "2026-11-22", "homestayId": 1}))
    names = ("sn", "totalFen", "refundedFen", "keptFen", "feeFen", "payableFen")
    assert tuple(order[name] for name in names) == ("HSO2026112210000000000005", 10000, 4000, 6000, 36, 5964)
    assert [row[8] for row in await shop.records()] == [5964]


async def test_what_is_in_no_record_yet_is_not_shown(shop, ask):
    await shop.stay(1)
    assert await listed(await ask("payoutList", {})) == []


async def test_the_table_is_for_spreadsheets(shop, ask):
    await filled(shop)
    answer = await ask("payoutCsv", {"from": "2026-11-22", "to": "2026-11-23"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="payouts-2026-11-22-2026-11-23.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert ",".join(rows[0]) == (
        "结算日期,民宿,订单号,订单金额（元）,已退款（元）,保留金额（元）,微信手续费（元）,结算金额（元）"
    )
    assert rows[1:] == [
        ["2026-11-22", "云海小院", "HSO2026112210000000000001", "199.00", "10.00", "189.00", "1.13", "187.87"],
        ["2026-11-22", "云海小院（新）", "HSO2026112210000000000002", "50.00", "0.00", "50.00", "0.30", "49.70"],
        ["2026-11-22", "'=HYPERLINK(1)", "HSO2026112210000000000003", "0.33", "0.00", "0.33", "0.00", "0.33"],
        ["2026-11-23", "'=HYPERLINK(1)", "HSO2026112210000000000003", "0.00", "0.33", "-0.33", "0.00", "-0.33"],
        ["合计", "", "", "249.33", "10.33", "239.00", "1.43", "237.57"],
    ]
    net = sum(row[8] for row in await shop.records() if row[0] == 7)
    assert rows[-1][-1] == f"{net / 100:.2f}"
    english = await ask("payoutCsv", {"from": "2026-11-22", "to": "2026-11-22"}, language="en")
    assert english.content.decode("utf-8-sig").startswith("Day,Homestay,Order,Order total (yuan)")


@pytest.mark.parametrize(
    ("period", "status", "code"),
    [
        ({"from": "2026-11-23", "to": "2026-11-22"}, 422, 100002),
        ({"from": "2025-11-21", "to": "2026-11-22"}, 422, 104082),
        ({"from": "2025-11-22", "to": "2026-11-22"}, 200, None),
        ({"from": "2026-11-22"}, 422, 100002),
    ],
)
async def test_a_period_has_bounds(ask, period, status, code):
    answer = await ask("payoutCsv", period)
    assert answer.status_code == status, answer.text
    assert status == 200 or (answer.json()["code"], answer.json()["field"]) == (code, "to")


async def test_a_table_with_too_many_orders_is_refused(shop, monkeypatch):
    monkeypatch.setattr(statements, "MOST_ORDERS", 3)
    await filled(shop)
    of_host = statements.Statements(db=shop.db)
    with pytest.raises(PeriodTooLong):
        await of_host.period(HOST, DAY, NEXT)
    assert len(await of_host.period(HOST, DAY, DAY)) == 3
    with pytest.raises(InvalidInput):
        await of_host.period(HOST, NEXT, DAY)


async def test_a_day_from_before_hosts_were_written_down_is_shown_once_it_runs_again(shop, ask):
    await shop.stay(1)
    await shop.payouts.run(DAY)
    await shop.execute("delete from payout_stay")
    assert await listed(await ask("payoutList", {})) == []
    before = await shop.records()
    assert await shop.payouts.run(DAY) == 0
    assert [each["payableFen"] for each in await listed(await ask("payoutList", {}))] == [19781]
    assert await shop.records() == before


@given(st.text(max_size=40))
def test_no_text_begins_a_formula(title):
    shown = plain(title)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown.removeprefix("'") == title.removeprefix("'")
