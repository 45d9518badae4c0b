"""The console's pages about money: what they ask of payment and order, and what an operator does from them."""

import re
import time
from html import unescape

import httpx
import pytest

from tests.service.gateway.money import (
    ABNORMAL,
    BEGUN_AGAIN,
    CLOSED,
    CLOSING,
    LATE,
    NOTICE,
    ORDER,
    PAID,
    PAYMENT,
    PMT,
    RECORD,
    REFUND_NOTICE,
    RFD,
    RUN,
    SENT_ELSEWHERE,
    SN,
    tell_all,
)
from tests.service.gateway.operators import Operations, enter, post
from tests.service.gateway.ways import order_state

PAGES = {
    "/console/money": ("payment", "unfinishedStatus"),
    "/console/money/payments": ("payment", "paymentList"),
    "/console/money/refunds": ("payment", "refundList"),
    "/console/money/failed-refunds": ("order", "failedRefundList"),
    "/console/money/approvals": ("payment", "refundApprovalList"),
    "/console/reviews": ("payment", "noticeList"),
    "/console/closings": ("order", "closingList"),
    "/console/reconciliation": ("payment", "reconciliationRunList"),
    "/console/reconciliation/2026-11-22": ("payment", "reconciliationList"),
    "/console/payouts": ("payment", "payoutDayList"),
    "/console/payouts/records": ("payment", "payoutList"),
}
"""Which method each page stands on."""


@pytest.fixture
def http(app: httpx.AsyncClient, services: Operations) -> httpx.AsyncClient:
    services.fresh()
    tell_all(services)
    app.cookies.clear()
    return app


async def shown(http: httpx.AsyncClient, path: str) -> str:
    page = await http.get(path)
    assert page.status_code == 200, page.text
    return page.text


@pytest.mark.parametrize("path", [*PAGES, "/console/charts"])
async def test_a_page_is_for_operators_alone(http, services, path):
    assert (await http.get(path)).status_code == 303
    services.sign_in("merchant")
    refused = await post(http, "/console/signin", {"mobile": "1", "password": "2", "next": path})
    assert refused.status_code == 403
    assert (await http.get(path)).status_code == 303
    assert not [asked for asked in services.bodies if "/ops/" in asked]


@pytest.mark.parametrize("path", PAGES)
async def test_a_service_that_does_not_respond_is_named(http, services, path):
    service, method = PAGES[path]
    await enter(http)
    del services.answers[service, f"/{service}/v1/ops/{method}"]
    page = await http.get(path)
    assert page.status_code == 503
    assert f"（{service}）没有应答" in page.text


async def test_what_should_end_leads_to_its_list_by_age(http):
    await enter(http)
    page = await shown(http, "/console/money")
    assert 'href="/console/money/payments?status=0">等待付款的支付</a>' in page
    assert 'href="/console/money/payments?status=0&amp;older=600">2</a>' in page
    assert 'href="/console/money/payments?status=0&amp;older=3600">1</a>' in page
    assert 'href="/console/money/refunds?state=abnormal&amp;older=86400">1</a>' in page
    assert "597.00" in page


async def test_closings_are_counted_too_up_to_a_bound_and_order_is_named_when_it_is_down(http, services):
    await enter(http)
    assert re.findall(r'data-testid="closings">.*?class="number">([^<]*)<', await shown(http, "/console/money")) == [
        "1"
    ]
    services.data(f"{ORDER}/closingList", {"list": [CLOSING] * 100})
    assert re.findall(r'data-testid="closings">.*?class="number">([^<]*)<', await shown(http, "/console/money")) == [
        "100+"
    ]
    assert services.bodies[f"{ORDER}/closingList"] == [{"pageSize": 100}] * 2
    del services.answers["order", f"{ORDER}/closingList"]
    page = await shown(http, "/console/money")
    assert 'data-testid="missing-order"' in page
    assert 'data-testid="closings"' not in page
    assert 'data-testid="failed_refunds"' in page
    assert 'data-testid="payment_waiting"' in page


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/console/money/payments", "paymentList", {}),
        (
            "/console/money/payments?status=0&older=600&last=9",
            "paymentList",
            {"payStatus": 0, "olderThanSeconds": 600, "lastId": 9},
        ),
        ("/console/money/payments?status=9&older=1&last=x", "paymentList", {}),
        (
            "/console/money/refunds?state=abnormal&older=3600",
            "refundList",
            {"state": "abnormal", "olderThanSeconds": 3600},
        ),
        ("/console/money/approvals?state=wanted&last=4", "refundApprovalList", {"state": "wanted", "lastId": 4}),
        ("/console/reviews", "noticeList", {"state": "needs_review"}),
        ("/console/reviews?state=all", "noticeList", {}),
        ("/console/reviews?state=resolved&last=7", "noticeList", {"state": "resolved", "lastId": 7}),
        (
            "/console/reconciliation/2026-11-22?kind=state",
            "reconciliationList",
            {"date": "2026-11-22", "kind": "state"},
        ),
        (
            "/console/payouts/records?date=2026-11-22&host=201&business=",
            "payoutList",
            {"date": "2026-11-22", "hostId": 201},
        ),
    ],
)
async def test_a_list_is_filtered_by_its_address_and_what_makes_no_sense_is_no_filter(
    http, services, path, method, body
):
    await enter(http)
    await shown(http, path)
    assert services.bodies[f"{PAYMENT}/{method}"] == [{"lastId": 0, "pageSize": 50} | body]


async def test_a_full_page_leads_to_the_next_one_with_its_filters(http, services):
    await enter(http)
    rows = [PAID | {"id": 100 - n} for n in range(50)]
    services.data(f"{PAYMENT}/paymentList", {"list": rows})
    page = await shown(http, "/console/money/payments?status=1")
    assert 'href="/console/money/payments?status=1&amp;last=51"' in page
    services.data(f"{PAYMENT}/paymentList", {"list": rows[:49]})
    assert 'data-testid="next-page"' not in await shown(http, "/console/money/payments?status=1&last=51")


async def test_days_are_paged_by_the_day(http, services):
    await enter(http)
    days = [
        {"day": f"2026-10-{31 - n % 31:02d}"} | {name: 1 for name in RECORD if name.endswith("Fen")} for n in range(50)
    ]
    more = {"completedAt": None, "records": 1, "businesses": 1}
    services.data(f"{PAYMENT}/payoutDayList", {"list": [each | more for each in days]})
    page = await shown(http, "/console/payouts?before=2026-12-01")
    assert services.bodies[f"{PAYMENT}/payoutDayList"] == [{"pageSize": 50, "before": "2026-12-01"}]
    assert f'href="/console/payouts?before={days[-1]["day"]}"' in page


async def test_an_empty_list_says_so(http, services):
    await enter(http)
    for path, (service, method) in PAGES.items():
        if path != "/console/money":
            services.data(f"/{service}/v1/ops/{method}", {"list": []})
            assert 'data-testid="empty"' in await shown(http, path), path


async def test_a_day_that_is_none_is_no_page(http):
    await enter(http)
    assert (await http.get("/console/reconciliation/yesterday")).status_code == 404


async def act(http: httpx.AsyncClient, address: str, **fields: str) -> httpx.Response:
    """Confirm the act at `address` as its page offers it."""
    page = await shown(http, address)
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert csrf
    return await post(http, address, {"csrf": csrf[1], "reason": "已核对"} | fields)


async def test_a_review_is_resolved_with_its_reason(http, services):
    await enter(http)
    services.data(f"{PAYMENT}/noticeResolve", NOTICE | {"state": "resolved"})
    page = await shown(http, "/console/reviews")
    [address] = {
        found.replace("&amp;", "&") for found in re.findall(r'href="(/console/acts/notice_resolve\?id=7[^"]*)"', page)
    }
    assert "WeChat says fen 19901, ours is 19900" in page
    done = await act(http, unescape(address))
    assert (done.status_code, done.headers["location"]) == (303, "/console/reviews")
    assert services.bodies[f"{PAYMENT}/noticeResolve"] == [{"id": 7, "note": "已核对"}]
    assert "核实事项 7 已处理。" in await shown(http, "/console/reviews")


async def test_a_notice_offers_what_can_end_its_reason(http, services):
    await enter(http)
    services.data(f"{PAYMENT}/noticeList", {"list": [REFUND_NOTICE]})
    page = await shown(http, "/console/reviews")
    assert set(re.findall(r'data-testid="act-(\w+)"', page)) == {
        "refund_to_card",
        "refund_to_merchant",
        "notice_resolve",
    }
    services.data(f"{PAYMENT}/noticeList", {"list": [REFUND_NOTICE | {"state": "resolved"}]})
    assert 'data-testid="act-' not in await shown(http, "/console/reviews")


@pytest.mark.parametrize(
    ("cause", "rescues"),
    [("late-payment", ["refund_again"]), ("buyer", []), ("goodwill", []), (None, ["refund_again"])],
)
@pytest.mark.parametrize("reason", ["refund_closed", "refund_refused"])
async def test_a_closed_refund_is_offered_a_new_number_unless_order_asks_again(http, services, reason, cause, rescues):
    await enter(http)
    services.data(f"{PAYMENT}/noticeList", {"list": [REFUND_NOTICE | {"reason": reason, "refundCause": cause}]})
    page = await shown(http, "/console/reviews")
    assert re.findall(r'data-testid="act-(\w+)"', page) == [*rescues, "notice_resolve"]


async def test_an_abnormal_refund_goes_to_a_card_that_no_page_shows_again(http, services):
    await enter(http)
    services.refuse(f"{PAYMENT}/refundSendElsewhere", "refund-sent-elsewhere")
    card = {"bankType": "ICBC_DEBIT", "bankAccount": "6222020200112233445", "realName": "张小明"}
    address = f"/console/acts/refund_to_card?refundSn={RFD}"
    assert (await act(http, address, **card | {"realName": ""})).status_code == 422
    refused = await act(http, address, **card)
    assert services.bodies[f"{PAYMENT}/refundSendElsewhere"] == [{"refundSn": RFD, "card": card, "note": "已核对"}]
    assert (refused.status_code, "该退款已改退至其他账户" in refused.text) == (409, True)
    assert card["bankAccount"] not in refused.text
    assert card["realName"] not in refused.text
    assert card["bankAccount"] not in str(refused.headers)


@pytest.mark.parametrize(
    ("address", "method", "body", "data", "told"),
    [
        (
            f"refund_to_merchant?refundSn={RFD}",
            f"{PAYMENT}/refundSendElsewhere",
            {"refundSn": RFD, "card": None},
            SENT_ELSEWHERE | {"approvalId": None},
            RFD,
        ),
        ("refund_approve?id=4", f"{PAYMENT}/refundApprove", {"id": 4}, SENT_ELSEWHERE, "申请 4 已批准"),
        (
            "refund_decline?id=4",
            f"{PAYMENT}/refundDecline",
            {"id": 4},
            {"id": 4, "refundSn": RFD, "state": "declined"},
            "申请 4 已关闭",
        ),
        (f"refund_again?refundSn={RFD}", f"{PAYMENT}/refundBeginAgain", {"refundSn": RFD}, BEGUN_AGAIN, "RFD9"),
        (
            f"closing_retry?sn={SN}",
            f"{ORDER}/closingRetry",
            {"sn": SN},
            {"sn": SN, "tradeState": 0, "closing": True, "problem": "WeChat: USERPAYING"},
            "WeChat: USERPAYING",
        ),
        ("reconcile?date=2026-11-22", f"{PAYMENT}/reconcile", {"date": "2026-11-22"}, RUN, "2026-11-22"),
        ("payout?date=2026-11-22", f"{PAYMENT}/payout", {"date": "2026-11-22"}, {}, "2026-11-22"),
    ],
)
async def test_an_act_is_asked_of_the_service_with_its_reason_and_its_result_is_told(
    http, services, address, method, body, data, told
):
    await enter(http)
    services.data(method, data)
    done = await act(http, f"/console/acts/{address}&back=/console/money")
    assert (done.status_code, done.headers["location"]) == (303, "/console/money")
    assert services.bodies[method] == [body | {"note": "已核对"}]
    page = await shown(http, "/console/money")
    assert told in re.findall(r'data-testid="done">([^<]*)<', page)[0]


@pytest.mark.parametrize("name", ["refund_to_card", "refund_to_merchant"])
async def test_above_the_limit_it_is_said_that_another_operator_decides(http, services, name):
    await enter(http)
    services.data(f"{PAYMENT}/refundSendElsewhere", ABNORMAL | {"approvalId": 4})
    card = {"bankType": "ICBC_DEBIT", "bankAccount": "6222020200112233445", "realName": "张小明"}
    await act(http, f"/console/acts/{name}?refundSn={RFD}&back=/console/money", **card)
    assert "改退申请 4 已登记，等待另一位运维人员批准" in await shown(http, "/console/money")


async def test_a_request_shows_what_a_second_operator_compares(http, services):
    await enter(http)
    page = await shown(http, "/console/money/approvals")
    assert "银行卡 ICBC_DEBIT，尾号 3445" in page
    assert "1,200.00" in page or "1200.00" in page
    assert page.count('data-testid="act-refund_approve"') == 1


async def test_an_act_on_money_asks_at_once_when_the_proof_is_old(http, services):
    services.sign_in("operator", auth_time=int(time.time()) - 560)
    await enter(http)
    page = await shown(http, f"/console/acts/refund_to_card?refundSn={RFD}")
    assert 'data-testid="prove"' in page
    assert 'data-testid="prove"' not in await shown(http, f"/console/acts/closing_retry?sn={SN}")


async def test_buttons_stand_where_they_can_be_pressed(http):
    await enter(http)
    page = await shown(http, "/console/money/refunds")
    assert re.findall(r'data-testid="act-(\w+)"', page) == ["refund_to_card", "refund_to_merchant", "refund_again"]
    assert re.findall(r"/console/acts/refund_again\?refundSn=(\w+)", page) == [LATE["sn"]]
    assert f"<code>{CLOSED['sn']}</code>" in page
    assert ABNORMAL["problem"] in page
    page = await shown(http, "/console/closings")
    assert f'/console/acts/closing_retry?sn={CLOSING["sn"]}&amp;back=%2Fconsole%2Fclosings"' in page
    assert f'href="/console/payments/{SN}"' in await shown(http, "/console/money/payments")
    assert f'name="what" value="{PMT}"' in await shown(http, "/console/reviews")


async def test_orders_whose_refund_failed_are_listed_and_the_refund_is_requested_again(http, services):
    await enter(http)
    services.data(f"{ORDER}/refundAskAgain", order_state())
    money = await shown(http, "/console/money")
    assert re.findall(r'data-testid="failed_refunds">.*?class="number">([^<]*)<', money) == ["1"]
    page = await shown(http, "/console/money/failed-refunds?last=9")
    assert services.bodies[f"{ORDER}/failedRefundList"][-1] == {"lastId": 9, "pageSize": 50}
    row = page.partition("<tbody>")[2]
    assert f'<a href="/console/payments/{SN}">{SN}</a></td><td class="number">149.00</td><td>行程有变</td>' in row
    [address] = re.findall(r'href="(/console/acts/refund_ask_again[^"]*)"', row)
    done = await act(http, unescape(address))
    assert (done.status_code, done.headers["location"]) == (303, "/console/money/failed-refunds?last=9")
    assert services.bodies[f"{ORDER}/refundAskAgain"] == [{"sn": SN, "note": "已核对"}]

    services.data(f"{ORDER}/failedRefundList", {"list": []})
    assert "没有这样的订单。" in await shown(http, "/console/money/failed-refunds")
