"""One purchase through the sandbox, and every repeated or invalid request of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .conftest import OPENID, MerchantClient, until

JSAPI = "/v3/pay/transactions/jsapi"
IDENTITY = {"type": "IDCARD", "number": "43102119910910512X", "name": "周星星"}
PLAN = "/subsidy_info/subsidy_detail/0/subsidy_plan/0"


def subsidy(**changes: Any) -> dict[str, Any]:
    plan = {"subsidy_installment_num": 3, "subsidy_percent": 100} | changes
    return {"subsidy_detail": [{"subsidy_period_type": "PERIOD", "subsidy_plan": [plan]}]}


async def test_a_paid_order_is_notified_signed_and_encrypted(merchant: MerchantClient) -> None:
    prepay_id = await merchant.prepay("ORDER-00001", attach="room 7")
    assert re.fullmatch(r"wx\d{14}[0-9a-f]{16}0000", prepay_id)
    paid = await merchant.pay("ORDER-00001")
    await until(lambda: merchant.calls)
    headers, _ = merchant.calls[0]
    assert {"Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial"} < set(headers)
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    opened = merchant.open(merchant.calls[0])
    assert opened == paid
    assert opened["amount"] == {"total": 19900, "payer_total": 19900, "currency": "CNY", "payer_currency": "CNY"}
    assert opened["trade_state"] == "SUCCESS"
    assert opened["attach"] == "room 7"
    assert re.fullmatch(r"4200\d{24}", opened["transaction_id"])
    assert opened["success_time"].endswith("+08:00")
    by_id = await merchant.send(
        "GET", f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid={merchant.ids['mchid']}"
    )
    assert by_id.json() == paid
    assert await merchant.books("ORDER-00001") == {
        "mchid": merchant.ids["mchid"],
        "out_trade_no": "ORDER-00001",
        "transaction_id": paid["transaction_id"],
        "total": 19900,
        "state": "SUCCESS",
        "paid": 19900,
        "refunding": 0,
        "refunded": 0,
        "held": 19900,
    }


async def test_an_unpaid_order_has_the_members_of_the_live_host(merchant: MerchantClient) -> None:
    await merchant.prepay("ORDER-00002")
    response = await merchant.send(
        "GET", f"/v3/pay/transactions/out-trade-no/ORDER-00002?mchid={merchant.ids['mchid']}"
    )
    assert response.json() == {
        "amount": {"payer_currency": "CNY", "total": 19900},
        "appid": merchant.ids["appid"],
        "mchid": merchant.ids["mchid"],
        "out_trade_no": "ORDER-00002",
        "promotion_detail": [],
        "scene_info": {"device_id": ""},
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
    }


async def test_the_same_prepay_again_returns_the_same_prepay_id(merchant: MerchantClient) -> None:
    first = await merchant.prepay("ORDER-00003")
    assert await merchant.prepay("ORDER-00003") == first
    assert await merchant.prepay("ORDER-00003", time_expire="2030-01-01T00:00:00+08:00") == first


async def test_identity_and_subsidy_are_accepted(merchant: MerchantClient) -> None:
    more = {"payer": {"openid": OPENID, "identity": IDENTITY}, "subsidy_info": subsidy()}
    response = await merchant.send("POST", JSAPI, merchant.order("ORDER-00012", **more))
    assert (response.status_code, list(response.json())) == (200, ["prepay_id"])


async def test_an_expiry_that_has_passed_since_the_first_prepay_is_accepted_again(merchant: MerchantClient) -> None:
    """Less than a minute ahead is raised to a minute; the same bytes may come again after their own expiry."""
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    first = await merchant.prepay("ORDER-00013", time_expire=soon)
    await until(lambda: datetime.now(UTC).isoformat() > soon)
    assert await merchant.prepay("ORDER-00013", time_expire=soon) == first
    assert (await merchant.books("ORDER-00013"))["state"] == "NOTPAY"


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"amount": {"total": 0}}, 268435464),
        ({"description": "房" * 128}, 268435464),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, 268435464),
        ({"time_expire": "tomorrow"}, 268435461),
        ({"amount": {"total": "1"}}, 268435461),
        ({"colour": "red"}, 270924358),
        ({"appid": "wx0000000000000000"}, 268445527),
    ],
)
async def test_the_request_id_ends_with_the_published_number(
    merchant: MerchantClient, changed: dict[str, Any], number: int
) -> None:
    response = await merchant.send("POST", JSAPI, merchant.order("ORDER-00014", **changed))
    assert response.status_code == 400
    assert response.headers["request-id"].endswith(f"-{number}")


async def test_the_numbers_of_orders_are_the_published_ones(merchant: MerchantClient) -> None:
    mchid = {"mchid": merchant.ids["mchid"]}
    target = "/v3/pay/transactions/out-trade-no/ORDER-00015"

    async def ends_with(number: int, method: str, path: str, body: Any = None) -> None:
        response = await merchant.send(method, path, body)
        assert (response.status_code >= 400, response.headers["request-id"].rpartition("-")[2]) == (True, str(number))

    await ends_with(268512771, "GET", f"{target}?mchid={merchant.ids['mchid']}")
    await merchant.prepay("ORDER-00015")
    await ends_with(268498688, "POST", JSAPI, merchant.order("ORDER-00015", amount={"total": 1, "currency": "CNY"}))
    await merchant.pay("ORDER-00015")
    await ends_with(268449538, "POST", f"{target}/close", mchid)
    await ends_with(268449538, "POST", JSAPI, merchant.order("ORDER-00015"))
    await merchant.prepay("ORDER-00016")
    await merchant.send("POST", target.replace("15", "16") + "/close", mchid)
    await ends_with(268447914, "POST", JSAPI, merchant.order("ORDER-00016"))
    await merchant.control("POST", "/_sim/faults/set", {"name": "api-429", "times": 1})
    await ends_with(268447840, "GET", f"{target}?mchid={merchant.ids['mchid']}")


async def test_an_error_whose_number_is_not_published_has_none(merchant: MerchantClient) -> None:
    response = await merchant.send("GET", "/v3/refund/domestic/refunds/NEVER")
    assert (response.status_code, response.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert "-" not in response.headers["request-id"]


async def test_a_changed_prepay_is_refused_and_changes_nothing(merchant: MerchantClient) -> None:
    await merchant.prepay("ORDER-00004")
    before = await merchant.books("ORDER-00004")
    changed = merchant.order("ORDER-00004", amount={"total": 1, "currency": "CNY"})
    response = await merchant.send("POST", JSAPI, changed)
    assert response.status_code == 400
    assert response.json() == {"code": "INVALID_REQUEST", "message": "请求重入时，参数与首次请求时不一致"}
    assert await merchant.books("ORDER-00004") == before


async def test_a_paid_order_is_neither_ordered_nor_closed_nor_paid_again(merchant: MerchantClient) -> None:
    await merchant.prepay("ORDER-00005")
    await merchant.pay("ORDER-00005")
    again = await merchant.send("POST", JSAPI, merchant.order("ORDER-00005"))
    assert (again.status_code, again.json()) == (400, {"code": "ORDERPAID", "message": "该订单已支付"})
    close = await merchant.send(
        "POST", "/v3/pay/transactions/out-trade-no/ORDER-00005/close", {"mchid": merchant.ids["mchid"]}
    )
    assert (close.status_code, close.json()["code"]) == (400, "ORDERPAID")
    twice = await merchant.control("POST", "/_sim/pay", {"out_trade_no": "ORDER-00005"})
    assert (twice.status_code, twice.json()["error"]) == (409, "order_success")
    assert (await merchant.books("ORDER-00005"))["held"] == 19900


async def test_closing_is_repeatable_signed_and_final(merchant: MerchantClient) -> None:
    await merchant.prepay("ORDER-00006")
    target = "/v3/pay/transactions/out-trade-no/ORDER-00006/close"
    for _ in range(2):
        response = await merchant.send("POST", target, {"mchid": merchant.ids["mchid"]})
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["wechatpay-signature"]
    query = await merchant.send("GET", f"/v3/pay/transactions/out-trade-no/ORDER-00006?mchid={merchant.ids['mchid']}")
    assert (query.json()["trade_state"], query.json()["trade_state_desc"]) == ("CLOSED", "订单已关闭")
    again = await merchant.send("POST", JSAPI, merchant.order("ORDER-00006"))
    assert (again.status_code, again.json()["code"]) == (400, "ORDER_CLOSED")
    pay = await merchant.control("POST", "/_sim/pay", {"out_trade_no": "ORDER-00006"})
    assert (pay.status_code, pay.json()["error"]) == (409, "order_closed")


async def test_closing_a_number_that_was_never_ordered_uses_it_up(merchant: MerchantClient) -> None:
    target = "/v3/pay/transactions/out-trade-no/NEVER-0001/close"
    assert (await merchant.send("POST", target, {"mchid": merchant.ids["mchid"]})).status_code == 204
    query = await merchant.send("GET", f"/v3/pay/transactions/out-trade-no/NEVER-0001?mchid={merchant.ids['mchid']}")
    assert (query.status_code, query.json()["code"]) == (404, "ORDER_NOT_EXIST")
    order = await merchant.send("POST", JSAPI, merchant.order("NEVER-0001"))
    assert (order.status_code, order.json()["code"]) == (400, "ORDER_CLOSED")


@pytest.mark.parametrize(
    ("_case", "changed", "field"),
    [
        ("zero", {"amount": {"total": 0}}, "/amount/total"),
        ("text amount", {"amount": {"total": "1"}}, "/amount/total"),
        ("float amount", {"amount": {"total": 1.5}}, "/amount/total"),
        ("true amount", {"amount": {"total": True}}, "/amount/total"),
        ("currency", {"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
        ("short number", {"out_trade_no": "A1234"}, "/out_trade_no"),
        ("long number", {"out_trade_no": "A" * 33}, "/out_trade_no"),
        ("bad number", {"out_trade_no": "ORDER 0001"}, "/out_trade_no"),
        ("long description", {"description": "房" * 128}, "/description"),
        ("no description", {"description": ""}, "/description"),
        ("emoji", {"description": "小屋🏠"}, "/description"),
        ("lone surrogate", {"attach": "\ud800"}, "/attach"),
        ("null", {"attach": None}, "/attach"),
        ("unknown member", {"colour": "red"}, "/colour"),
        ("unknown inner member", {"payer": {"openid": OPENID, "x": 1}}, "/payer/x"),
        ("stranger", {"payer": {"openid": "oStranger"}}, "/payer/openid"),
        ("no payer", {"payer": {}}, "/payer/openid"),
        ("scene without ip", {"scene_info": {"device_id": "1"}}, "/scene_info/payer_client_ip"),
        ("query in notify_url", {"notify_url": "https://a.example.com/n?x=1"}, "/notify_url"),
        ("expiry without zone", {"time_expire": "2030-01-01T00:00:00"}, "/time_expire"),
        ("expiry nonsense", {"time_expire": "tomorrow"}, "/time_expire"),
        ("expiry in the past", {"time_expire": "2020-01-01T00:00:00+08:00"}, "/time_expire"),
        ("half an identity", {"payer": {"openid": OPENID, "identity": {"type": "IDCARD"}}}, "/payer/identity/number"),
        (
            "another document",
            {"payer": {"openid": OPENID, "identity": {**IDENTITY, "type": "LIBRARY"}}},
            "/payer/identity/type",
        ),
        ("more identity", {"payer": {"openid": OPENID, "identity": {**IDENTITY, "x": 1}}}, "/payer/identity/x"),
        (
            "subsidy of another period",
            {"subsidy_info": subsidy(subsidy_installment_num=4)},
            f"{PLAN}/subsidy_installment_num",
        ),
        ("subsidy of a part", {"subsidy_info": subsidy(subsidy_percent=50)}, f"{PLAN}/subsidy_percent"),
        ("subsidy of no number", {"subsidy_info": subsidy(subsidy_percent=True)}, f"{PLAN}/subsidy_percent"),
        (
            "subsidy without a plan",
            {"subsidy_info": {"subsidy_detail": [{"subsidy_period_type": "DAILY"}]}},
            f"{PLAN[:-2]}",
        ),
        ("other mchid", {"mchid": "1900000001"}, "/mchid"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_written(
    merchant: MerchantClient, _case: str, changed: dict[str, Any], field: str
) -> None:
    response = await merchant.send("POST", JSAPI, merchant.order("ORDER-BAD01", **changed))
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "PARAM_ERROR"
    assert response.json()["detail"]["field"] == field
    assert not [name for name in response.headers if name.startswith("wechatpay-")]
    assert (await merchant.control("GET", "/_sim/books")).json() == {"books": []}


@pytest.mark.parametrize("body", [{}, {"mch_id": "1900000001"}])
async def test_closing_without_mchid_has_wechats_exact_error(merchant: MerchantClient, body: dict[str, str]) -> None:
    await merchant.prepay("ORDER-00010")
    response = await merchant.send("POST", "/v3/pay/transactions/out-trade-no/ORDER-00010/close", body)
    assert response.status_code == 400
    assert response.json() == {
        "code": "PARAM_ERROR",
        "detail": {"location": "uri_template", "value": ""},
        "message": "输入源“/uri_template/mchid”映射到字段“直连商户号”必填性规则校验失败，此字段为必填项",
    }
    assert (await merchant.books("ORDER-00010"))["state"] == "NOTPAY"


@pytest.mark.parametrize(("query", "location"), [("", "query"), ("?mchid=1900000001", "body")])
async def test_a_query_needs_the_merchants_own_mchid(merchant: MerchantClient, query: str, location: str) -> None:
    await merchant.prepay("ORDER-00011")
    response = await merchant.send("GET", f"/v3/pay/transactions/out-trade-no/ORDER-00011{query}")
    assert (response.status_code, response.json()["code"]) == (400, "PARAM_ERROR")
    assert response.json()["detail"]["location"] == location


async def test_the_amount_error_has_wechats_exact_text(merchant: MerchantClient) -> None:
    response = await merchant.send("POST", JSAPI, merchant.order("ORDER-00007", amount={"total": 0}))
    assert response.json() == {
        "code": "PARAM_ERROR",
        "detail": {"location": "body", "field": "/amount/total", "value": 0, "issue": "值低于最小值 1"},
        "message": "输入源“/body/amount/total”映射到数值字段“总金额”规则校验失败，值低于最小值 1",
    }


async def test_another_appid_is_refused(merchant: MerchantClient) -> None:
    response = await merchant.send("POST", JSAPI, merchant.order("ORDER-00008", appid="wx0000000000000000"))
    assert (response.status_code, response.json()["code"]) == (400, "APPID_MCHID_NOT_MATCH")


async def test_an_escaped_target_is_verified_as_it_was_sent(merchant: MerchantClient) -> None:
    await merchant.prepay("ORDER|0009*-_")
    target = f"/v3/pay/transactions/out-trade-no/ORDER%7C0009*-_?mchid={merchant.ids['mchid']}"
    response = await merchant.send("GET", target)
    assert (response.status_code, response.json()["out_trade_no"]) == (200, "ORDER|0009*-_")
