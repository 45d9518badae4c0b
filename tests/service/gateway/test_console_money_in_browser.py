"""The console's pages about money in a browser: a review is resolved; every page at both widths, in both languages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.gateway.console_templates import MONEY
from tests.service.gateway.money import NOTICE, PAYMENT, REFUND_NOTICE, tell_all
from tests.service.gateway.operators import LOOKS, Operations, look, looked_at, sign_in
from tests.service.gateway.serving import served
from tests.support.browsing import DESK, opened

PAGES = (
    "money",
    "money/payments",
    "money/refunds",
    "money/failed-refunds",
    "money/approvals",
    "reviews",
    "closings",
    "reconciliation",
    "reconciliation/2026-11-22",
    "payouts",
    "payouts/records",
    "charts",
    "acts/refund_to_card?refundSn=RFD2026112309302612345678",
)
TITLES = {
    "zh-CN": (
        "资金一览",
        "支付",
        "退款",
        "没退成的退款",
        "改退待批准",
        "待核实",
        "等待微信确认的关单",
        "对账",
        "对账 2026-11-22",
        "打款",
        "打款记录",
        "图表",
        "退到银行卡",
    ),
    "en": (
        "Money at a glance",
        "Payments",
        "Refunds",
        "Refunds that failed",
        "Reroutes to approve",
        "Reviews",
        "Closings that WeChat has not confirmed",
        "Reconciliation",
        "Reconciliation of 2026-11-22",
        "Payouts",
        "Payout records",
        "Charts",
        "To a card",
    ),
}


@pytest.fixture(scope="module")
def services() -> Operations:
    return Operations()


@pytest.fixture(scope="module")
def console(services: Operations) -> Iterator[str]:
    with served(services) as address:
        yield f"{address}/console"


@pytest.fixture
def ready(services: Operations) -> Operations:
    services.fresh()
    tell_all(services)
    return services


@pytest.mark.parametrize(("language", "size"), LOOKS, ids=["zh", "en"])
def test_every_page_is_as_it_should_be(browser, console, ready, language, size) -> None:
    complaints: list[str] = []
    page = opened(browser, complaints, size, language)
    page.goto(console)
    sign_in(page)
    for path, title in zip(PAGES, TITLES[language], strict=True):
        page.goto(f"{console}/{path}")
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        name = path.partition("?")[0].replace("/", "-")
        look(page, f"{name}-{language[:2]}")
    assert looked_at(page) == MONEY
    page.context.close()
    assert complaints == []


@pytest.fixture
def desk(browser: Browser, console: str, ready: Operations) -> Iterator[Page]:
    complaints: list[str] = []
    page = opened(browser, complaints, DESK)
    page.goto(f"{console}/reviews")
    sign_in(page)
    yield page
    page.context.close()
    assert complaints == []


def test_a_review_is_resolved_after_one_question_with_a_reason(desk: Page, ready: Operations) -> None:
    ready.data(f"{PAYMENT}/noticeResolve", NOTICE | {"state": "resolved"})
    notice = desk.get_by_test_id("notice-7")
    expect(notice.get_by_role("heading")).to_contain_text("金额不一致")
    expect(notice.get_by_test_id("detail")).to_have_text("WeChat says fen 19901, ours is 19900")
    notice.get_by_test_id("act-notice_resolve").click()

    expect(desk.get_by_test_id("does")).to_contain_text("把核实事项 7 标记为已处理")
    desk.get_by_test_id("confirm").click()  # the browser asks for the reason
    assert f"{PAYMENT}/noticeResolve" not in ready.bodies
    desk.get_by_test_id("reason").fill("商户平台已核对，是测试交易")
    ready.data(f"{PAYMENT}/noticeList", {"list": [REFUND_NOTICE]})
    desk.get_by_test_id("confirm").click()

    expect(desk.get_by_test_id("done")).to_have_text("核实事项 7 已处理。")
    expect(desk.get_by_test_id("notice-7")).to_have_count(0)
    assert ready.bodies[f"{PAYMENT}/noticeResolve"] == [{"id": 7, "note": "商户平台已核对，是测试交易"}]


def test_a_list_is_narrowed_by_its_form(desk: Page, console: str, ready: Operations) -> None:
    desk.goto(f"{console}/money")
    desk.get_by_test_id("payment_waiting").get_by_role("link", name="等待付款的支付").click()
    expect(desk.get_by_test_id("status")).to_have_value("0")
    desk.get_by_test_id("older").select_option("3600")
    desk.get_by_role("button", name="筛选").click()
    desk.wait_for_url(lambda address: "older=3600" in address)
    assert ready.bodies[f"{PAYMENT}/paymentList"][-1] == {
        "payStatus": 0,
        "olderThanSeconds": 3600,
        "lastId": 0,
        "pageSize": 50,
    }
