"""Refunds: partial, many, repeated, abnormal, refused; and the ledger after any sequence (wechat-pay-v3.md §5)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import MerchantClient, until
from .refunds import REFUNDS, body, paid, status


async def test_a_partial_refund_is_accepted_then_succeeds_and_is_notified(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00001")
    await until(lambda: len(merchant.calls) == 1)
    response = await merchant.send("POST", REFUNDS, body(merchant, "REF-00001", "R-1", 900, reason="改期"))
    assert response.status_code == 200
    shown = response.json()
    assert (shown["status"], shown["channel"], shown["out_refund_no"]) == ("PROCESSING", "ORIGINAL", "R-1")
    assert shown["amount"] == {
        "total": 19900,
        "refund": 900,
        "from": [],
        "payer_total": 19900,
        "payer_refund": 900,
        "settlement_refund": 900,
        "settlement_total": 19900,
        "discount_refund": 0,
        "currency": "CNY",
        "refund_fee": 0,
    }
    await until(lambda: len(merchant.calls) == 2)
    notice = merchant.open(merchant.calls[1])
    assert notice["refund_status"] == "SUCCESS"
    assert "status" not in notice
    assert notice["amount"] == {"total": 19900, "refund": 900, "payer_total": 19900, "payer_refund": 900}
    assert notice["refund_id"] == shown["refund_id"]
    query = (await merchant.send("GET", f"{REFUNDS}/R-1")).json()
    assert (query["status"], query["success_time"]) == ("SUCCESS", notice["success_time"])
    order = await merchant.send("GET", f"/v3/pay/transactions/out-trade-no/REF-00001?mchid={merchant.ids['mchid']}")
    assert (order.json()["trade_state"], order.json()["trade_state_desc"]) == ("REFUND", "转入退款")
    books = await merchant.books("REF-00001")
    assert (books["paid"], books["refunded"], books["refunding"], books["held"]) == (19900, 900, 0, 19000)


async def test_the_same_number_is_the_same_refund_and_a_changed_one_is_refused(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00002")
    first = (await merchant.send("POST", REFUNDS, body(merchant, "REF-00002", "R-2", 100))).json()
    await until(lambda: len(merchant.calls) == 2)
    again = (await merchant.send("POST", REFUNDS, body(merchant, "REF-00002", "R-2", 100))).json()
    assert (again["refund_id"], again["status"]) == (first["refund_id"], "SUCCESS")
    changed = await merchant.send("POST", REFUNDS, body(merchant, "REF-00002", "R-2", 101))
    assert (changed.status_code, changed.json()["code"]) == (400, "INVALID_REQUEST")
    assert (await merchant.books("REF-00002"))["refunded"] == 100


@pytest.mark.parametrize(
    ("_case", "fen", "total", "state", "code"),
    [
        ("over the total", 19901, 19900, 400, "INVALID_REQUEST"),
        ("another total", 100, 20000, 400, "INVALID_REQUEST"),
        ("nothing", 0, 19900, 400, "PARAM_ERROR"),
    ],
)
async def test_a_wrong_amount_is_refused_and_changes_nothing(
    merchant: MerchantClient, _case: str, fen: int, total: int, state: int, code: str
) -> None:
    await paid(merchant, "REF-00003")
    response = await merchant.send("POST", REFUNDS, body(merchant, "REF-00003", "R-3", fen, total))
    assert (response.status_code, response.json()["code"]) == (state, code)
    assert (await merchant.books("REF-00003"))["state"] == "SUCCESS"
    assert (await merchant.send("GET", f"{REFUNDS}/R-3")).status_code == 404


async def test_unpaid_and_unknown_orders_are_refused(merchant: MerchantClient) -> None:
    await merchant.prepay("REF-00004")
    unpaid = await merchant.send("POST", REFUNDS, body(merchant, "REF-00004", "R-4", 1))
    assert (unpaid.status_code, unpaid.json()["code"]) == (400, "INVALID_REQUEST")
    unknown = await merchant.send("POST", REFUNDS, body(merchant, "NO-ORDER-1", "R-4", 1))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")


async def test_currency_is_required_and_named(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00005")
    content = body(merchant, "REF-00005", "R-5", 1, amount={"refund": 1, "total": 19900})
    response = await merchant.send("POST", REFUNDS, content)
    assert (response.status_code, response.json()["detail"]["field"]) == (400, "/amount/currency")


async def test_refunds_in_progress_are_reserved(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00006")
    await merchant.control("POST", "/_sim/faults/set", {"name": "refund-processing"})
    await merchant.send("POST", REFUNDS, body(merchant, "REF-00006", "R-6a", 19000))
    over = await merchant.send("POST", REFUNDS, body(merchant, "REF-00006", "R-6b", 901))
    assert over.status_code == 400
    books = await merchant.books("REF-00006")
    assert (books["refunded"], books["refunding"], books["held"]) == (0, 19000, 19900)
    closed = await merchant.control("POST", "/_sim/refund/finish", {"out_refund_no": "R-6a", "ending": "closed"})
    assert closed.json()["status"] == "CLOSED"
    assert (await merchant.books("REF-00006"))["state"] == "SUCCESS"
    assert (await merchant.send("POST", REFUNDS, body(merchant, "REF-00006", "R-6b", 901))).status_code == 200


@pytest.mark.parametrize(
    ("faults", "ending", "held"),
    [((), "SUCCESS", 19000), (("refund-closed",), "CLOSED", 19900), (("refund-abnormal",), "ABNORMAL", 19900)],
)
async def test_a_refund_may_end_in_the_response_to_its_request(
    merchant: MerchantClient, faults: tuple[str, ...], ending: str, held: int
) -> None:
    await paid(merchant, "REF-00010")
    for name in ("refund-at-once", *faults):
        await merchant.control("POST", "/_sim/faults/set", {"name": name})
    request = body(merchant, "REF-00010", "R-10", 900)
    ended = await merchant.send("POST", REFUNDS, request)
    again = await merchant.send("POST", REFUNDS, request)
    assert (ended.status_code, ended.json()["status"], again.json()) == (200, ending, ended.json())
    assert (await status(merchant, "R-10"), (await merchant.books("REF-00010"))["held"]) == (ending, held)
    await until(lambda: len(merchant.calls) == 2)
    assert merchant.open(merchant.calls[1])["refund_status"] == ending


async def test_fifty_refunds_and_no_more(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00008")
    for n in range(50):
        response = await merchant.send("POST", REFUNDS, body(merchant, "REF-00008", f"R-8-{n}", 1))
        assert response.status_code == 200
    response = await merchant.send("POST", REFUNDS, body(merchant, "REF-00008", "R-8-51", 1))
    assert (response.status_code, response.json()["code"]) == (400, "INVALID_REQUEST")


async def test_without_a_notify_url_nothing_is_sent(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00009")
    content = body(merchant, "REF-00009", "R-9", 1)
    del content["notify_url"]
    await merchant.send("POST", REFUNDS, content)

    async def done() -> bool:
        return await status(merchant, "R-9") == "SUCCESS"

    await until(done)
    assert [n["event_type"] for n in await merchant.notifications("REF-00009")] == ["TRANSACTION.SUCCESS"]


async def test_the_coupons_part_is_refunded_to_the_fen(merchant: MerchantClient) -> None:
    await merchant.control("POST", "/_sim/faults/set", {"name": "pay-coupon", "value": 333, "times": 1})
    await merchant.prepay("REF-00010", amount={"total": 1000, "currency": "CNY"})
    transaction = await merchant.pay("REF-00010")
    assert transaction["amount"]["payer_total"] == 667
    parts = []
    for n, fen in enumerate((1, 332, 667)):
        response = await merchant.send("POST", REFUNDS, body(merchant, "REF-00010", f"R-10-{n}", fen, 1000))
        parts.append(response.json()["amount"]["payer_refund"])
        [promotion] = response.json()["promotion_detail"] or [{"refund_amount": 0}]
        assert promotion["refund_amount"] == fen - parts[-1]
    assert sum(parts) == 667


async def test_the_requested_funds_account_is_returned(merchant: MerchantClient) -> None:
    await paid(merchant, "REF-00011")
    asked = body(merchant, "REF-00011", "R-11", 900)
    asked["amount"]["from"] = [{"account": "AVAILABLE", "amount": 900}]
    response = await merchant.send("POST", REFUNDS, asked)
    assert (response.status_code, response.json()["amount"]["from"]) == (200, asked["amount"]["from"])
    asked["amount"]["from"] = [{"account": "AVAILABLE", "amount": 899}]
    short = await merchant.send("POST", REFUNDS, asked | {"out_refund_no": "R-11b"})
    assert (short.status_code, short.json()["code"]) == (400, "INVALID_REQUEST")


async def partner_status(merchant: MerchantClient, number: str, wanted: str) -> bool:
    return await status(merchant, number) == wanted


_steps = st.lists(
    st.tuples(st.sampled_from(["refund", "abnormal", "closed", "processing"]), st.integers(1, 600)), max_size=8
)
_runs = iter(range(10**6))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=_steps)
async def test_paid_minus_refunded_is_held_after_any_mix(
    merchant: MerchantClient, steps: list[tuple[str, int]]
) -> None:
    order = f"MIX-{next(_runs):06d}"
    await paid(merchant, order, 1000)
    expected, open_fen = 0, 0
    for n, (kind, fen) in enumerate(steps):
        if kind != "refund":
            await merchant.control("POST", "/_sim/faults/set", {"name": f"refund-{kind}", "times": 1})
        response = await merchant.send("POST", REFUNDS, body(merchant, order, f"{order}-{n}", fen, 1000))
        fits = fen <= 1000 - expected - open_fen
        assert response.status_code == (200 if fits else 400)
        await merchant.control("POST", "/_sim/faults/clear", {})
        if fits:
            expected += fen if kind == "refund" else 0
            open_fen += fen if kind in {"abnormal", "processing"} else 0
        if fits and kind == "closed":
            # Its reserved amount is free only after it has ended.
            await until(lambda n=n: partner_status(merchant, f"{order}-{n}", "CLOSED"))

    async def settled() -> bool:
        books = await merchant.books(order)
        return (books["refunded"], books["refunding"]) == (expected, open_fen)

    await until(settled)
    assert (await merchant.books(order))["held"] == 1000 - expected
