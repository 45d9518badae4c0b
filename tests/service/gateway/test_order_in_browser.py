"""An order's page in a browser: what comes back is shown before it is cancelled, and what happened afterwards."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.gateway.guests import SN, Village, paid_order
from tests.service.gateway.serving import served
from tests.support.browsing import PHONE, opened, sign_in

QUOTE = "/order/v1/homestayOrder/quoteCancel"
REFUND = "/order/v1/homestayOrder/refundHomestayOrder"
TOTAL, HALF_UP, KEPT = "¥740.51", "¥370.26", "¥370.25"


@pytest.fixture
def village(village: Village) -> Village:
    """As of the folder; order agrees to a refund."""
    agreed = {"sn": SN, "tradeState": 1, "closing": False, "refundOpen": True, "refundState": "agreed"}

    def agree(_body):
        village.order = village.order | agreed
        return agreed

    village.on("order", REFUND, agree)
    return village


@pytest.fixture
def page(browser: Browser, village: Village) -> Iterator[Page]:
    """At the order, signed in."""
    complaints: list[str] = []
    with served(village.sidecar) as storefront:
        page = opened(browser, complaints, PHONE)
        page.goto(f"{storefront}/orders/{SN}")
        sign_in(page, "13800000001", "secret-123")
        expect(page.get_by_test_id("order")).to_be_visible()
        yield page
        page.context.close()
    assert complaints == []


def test_each_night_the_terms_and_what_happened_are_shown(page):
    expect(page.locator("[data-testid=nights] dd")).to_have_text(["¥320.00 另加餐费 ¥50.00", "¥320.51 另加餐费 ¥50.00"])
    expect(page.get_by_test_id("total")).to_have_text(TOTAL)
    expect(page.locator("[data-testid=policy] .chip")).to_have_text("适中")
    expect(page.locator("[data-testid=policy] li")).to_have_count(2)
    expect(page.locator("[data-testid=timeline] li span")).to_have_text(["已下单", "支付成功"])


def test_what_comes_back_and_what_stays_is_told_before_the_booking_is_cancelled(page, village):
    page.get_by_test_id("refund").click()
    expect(page.get_by_test_id("ask-text")).to_contain_text(f"退回 {HALF_UP}，{KEPT} 不退")
    expect(page.get_by_test_id("refund-back")).to_have_text(HALF_UP)
    expect(page.get_by_test_id("refund-kept")).to_have_text(KEPT)
    expect(page.get_by_test_id("keep")).to_be_focused()
    page.get_by_test_id("keep").click()
    expect(page.get_by_test_id("refund")).to_be_focused()
    assert village.bodies("refundHomestayOrder") == []

    page.get_by_test_id("refund").click()
    page.get_by_test_id("ask-input").fill("改期")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("refund")).to_be_hidden()
    assert village.bodies("refundHomestayOrder") == [{"sn": SN, "reason": "改期", "refundFen": 37_026}]


def test_all_of_it_is_asked_of_the_host_only_when_the_guest_says_so(page, village):
    page.get_by_test_id("refund").click()
    page.get_by_test_id("ask-whole").check()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("refund")).to_be_hidden()
    assert village.bodies("refundHomestayOrder") == [{"sn": SN, "reason": "", "refundFen": 74_051}]


def test_a_share_that_changed_while_the_guest_thought_is_asked_about_again(page, village):
    page.get_by_test_id("refund").click()
    expect(page.get_by_test_id("refund-back")).to_have_text(HALF_UP)
    village.on("order", QUOTE, lambda _body: village.cancel_quote(0))
    page.get_by_test_id("ask-input").fill("改期")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("ask-text")).to_contain_text("现在取消不退款")
    expect(page.get_by_test_id("refund-back")).to_have_text("¥0.00")
    expect(page.get_by_test_id("ask-input")).to_have_value("改期")
    assert village.bodies("refundHomestayOrder") == []
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("refund")).to_be_hidden()
    assert village.bodies("refundHomestayOrder") == [{"sn": SN, "reason": "改期"}]


def test_a_stay_that_has_begun_promises_nothing(page, village):
    village.on("order", QUOTE, lambda _body: village.cancel_quote(0, asks_host=True))
    page.get_by_test_id("refund").click()
    expect(page.get_by_test_id("ask-text")).to_contain_text("退款由房东决定")
    expect(page.get_by_test_id("refund-back")).to_have_count(0)
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("refund")).to_be_hidden()
    assert village.bodies("refundHomestayOrder") == [{"sn": SN, "reason": ""}]


def test_without_a_quote_nothing_is_cancelled(page, village):
    village.refuse(QUOTE, "unavailable")
    page.get_by_test_id("refund").click()
    expect(page.get_by_test_id("problem")).to_have_text("服务繁忙，请稍后再试")
    expect(page.get_by_test_id("confirm")).to_be_hidden()
    assert village.bodies("refundHomestayOrder") == []


def test_a_refunded_part_is_shown_to_the_fen_beside_what_was_kept(page, village):
    at = village.order["payTime"]
    village.order = paid_order() | {
        "tradeState": 3, "refundState": "agreed", "refundFen": 37_026, "refundedFen": 37_026, "keptFen": 37_025,
        "refundTime": at + 90, "refundSteps": [], "timeline": [
            *village.order["timeline"],
            {"state": 1, "fromState": 1, "cause": "refund-requested", "at": at + 60, "refundFen": 37_026},
            {"state": 1, "fromState": 1, "cause": "refund-returned", "at": at + 90, "refundFen": 37_026},
            {"state": 3, "fromState": 1, "cause": "refunded", "at": at + 90, "refundFen": None},
        ],
    }  # fmt: skip
    page.reload()
    expect(page.get_by_test_id("refund-amount")).to_have_text(HALF_UP)
    expect(page.get_by_test_id("kept-amount")).to_have_text(KEPT)
    expect(page.locator("[data-testid=timeline] li span").nth(3)).to_have_text(f"退款 {HALF_UP} 已原路退回")
    expect(page.get_by_test_id("policy")).to_be_hidden()


def test_an_order_that_was_cancelled_for_nothing_says_that_nothing_came_back(page, village):
    village.order = paid_order() | {"tradeState": 3, "refundState": "agreed", "refundFen": 0, "keptFen": 74_051}
    page.reload()
    expect(page.get_by_test_id("hint")).to_contain_text("没有退款")
    expect(page.get_by_test_id("refund-text")).to_contain_text("没有退款")
    expect(page.get_by_test_id("refund-amount")).to_have_text("¥0.00")


def test_the_terms_stand_above_the_button_that_pays(page, village):
    village.order = paid_order() | {"tradeState": 0}
    page.goto(page.url.replace("/orders/", "/pay/"))
    expect(page.locator("[data-testid=policy] li")).to_have_count(2)
    expect(page.get_by_test_id("policy")).to_contain_text(HALF_UP)
