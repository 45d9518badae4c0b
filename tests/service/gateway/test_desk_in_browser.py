"""The host desk on a phone, in a browser: what is pressed is what the services are asked for, and a refusal stands where it
belongs. The gateway alone; the real services are behind it in tests/e2e."""

import base64
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.gateway.services import Services
from tests.service.gateway.serving import chromium_of_the_repository, served
from tests.support.browsing import PHONE, opened, sign_in
from tests.support.pictures import jpeg_size, png

HOST = "/travel/v1/host"
HOMESTAY = {
    "id": 7,
    "title": "云上小屋",
    "subTitle": "看云海",
    "info": "一栋木屋",
    "city": "大理",
    "peopleNum": 4,
    "rowType": 0,
    "stock": 2,
    "homestayPriceFen": 20000,
    "weekendPriceFen": 26050,
    "marketPriceFen": 0,
    "foodInfo": "早餐",
    "foodPriceFen": 1500,
    "minNights": 1,
    "maxNights": 30,
    "daysAhead": 180,
    "cancelPolicy": "moderate",
    "homestayBusinessId": 3,
    "banner": "",
    "onSale": False,
    "photos": [],
}
FIELDS = {
    name: value for name, value in HOMESTAY.items() if name not in {"homestayBusinessId", "banner", "onSale", "photos"}
}
LINKS = {"exportUrl": "/calendars/secret.ics", "imports": []}
ARRIVALS = {"day": "2031-05-05", "list": []}
MONTH = "2031-05"
NIGHTS = [
    {
        "night": f"{MONTH}-{day:02d}",
        "priceFen": 26050 if day % 7 in {2, 3} else 20000,
        "source": "weekend" if day % 7 in {2, 3} else "base",
        "closed": day in {12, 13},
        "taken": 1 if day in {6, 7} else 0,
        "stock": 2,
        "blockedBy": ["途家"] if day == 20 else [],
    }
    for day in range(1, 32)
]


@pytest.fixture(scope="module")
def services() -> Services:
    return Services()


@pytest.fixture(scope="module")
def storefront(services: Services) -> Iterator[str]:
    with served(services) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium_of_the_repository() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, services: Services, storefront: str) -> Iterator[Page]:
    """A host's phone, signed in, in May 2031; what it complains of fails the test."""
    services.answers.clear()
    services.asked.clear()
    services.keys.clear()
    services.sign_in("buyer", "merchant")
    services.data("/order/v1/merchant/orderList", {"list": []})
    services.data("/order/v1/merchant/arrivals", ARRIVALS)
    services.data(f"{HOST}/homestayList", {"list": [HOMESTAY]})
    services.data(f"{HOST}/homestayDetail", {"homestay": HOMESTAY})
    services.data(f"{HOST}/calendar", {"nights": NIGHTS})
    complaints: list[str] = []
    page = opened(browser, complaints, PHONE)
    page.clock.install(time="2031-05-05T04:00:00Z")
    page.goto(f"{storefront}/signin")
    sign_in(page, "13800000001", "secret-123")
    yield page
    page.context.close()
    assert complaints == []


def application(status: str, **members: str) -> dict[str, str]:
    empty = dict.fromkeys(("shopName", "contactName", "contactMobile", "about", "note"), "")
    return empty | {"status": status} | members


def test_a_guest_applies_waits_and_finds_the_desk_once_the_role_is_granted(page, services, storefront):
    services.sign_in("buyer")
    services.data(f"{HOST}/application", application("none"))
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{storefront}/host")
    sign_in(page, "13800000001", "secret-123")
    page.get_by_test_id("apply-button").click()
    expect(page.get_by_test_id("shopName-problem")).to_be_visible()
    expect(page.locator("#shopName")).to_be_focused()
    assert f"{HOST}/apply" not in services.asked

    services.refuse(f"{HOST}/apply", "invalid-input", field="contactMobile")
    page.locator("#shopName").fill("山里小院")
    page.locator("#contactName").fill("小安")
    page.locator("#contactMobile").fill("123")
    page.get_by_test_id("apply-button").click()
    expect(page.get_by_test_id("contactMobile-problem")).to_have_text("参数有误，请检查后重试")
    expect(page.locator("#contactMobile")).to_be_focused()

    services.data(f"{HOST}/apply", {"status": "waiting"})
    said = {"shopName": "山里小院", "contactName": "小安", "contactMobile": "13800000001", "about": ""}
    services.data(f"{HOST}/application", application("waiting", **said))
    page.locator("#contactMobile").fill("13800000001")
    page.get_by_test_id("apply-button").click()
    expect(page.get_by_test_id("standing")).to_contain_text("山里小院")
    expect(page.get_by_test_id("apply")).to_be_hidden()
    assert services.asked[f"{HOST}/apply"][-1] == said

    services.data(f"{HOST}/application", application("approved", **said))
    services.sign_in("buyer", "merchant", path="/usercenter/v1/user/refreshToken")
    page.reload()
    expect(page.get_by_test_id("verify")).to_be_visible()
    expect(page.locator("#desk-nav")).to_be_visible()


def test_a_refused_applicant_reads_why_and_need_not_type_all_again(page, services, storefront):
    services.sign_in("buyer")
    said = {"shopName": "山里小院", "contactName": "小安", "contactMobile": "13800000001", "about": "两间房"}
    services.data(f"{HOST}/application", application("refused", note="请补充地址", **said))
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{storefront}/host")
    sign_in(page, "13800000001", "secret-123")
    expect(page.get_by_test_id("standing")).to_contain_text("请补充地址")
    assert {name: page.locator(f"#{name}").input_value() for name in said} == said


def test_a_guest_at_a_page_of_the_desk_is_led_to_where_one_becomes_a_host(page, services, storefront):
    services.sign_in("buyer")
    services.data(f"{HOST}/application", application("none"))
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{storefront}/host/homestays/7/edit")
    sign_in(page, "13800000001", "secret-123")
    page.wait_for_url(f"{storefront}/host")
    expect(page.get_by_test_id("joining")).to_be_visible()
    assert f"{HOST}/homestayDetail" not in services.asked


def test_the_form_shows_what_is_kept_and_sends_every_amount_to_the_fen(page, services, storefront):
    services.data(f"{HOST}/homestayEdit", {"homestay": HOMESTAY})
    page.goto(f"{storefront}/host/homestays/7/edit")
    expect(page.locator("#weekendPriceFen")).to_have_value("260.5")
    page.get_by_test_id("save").click()
    page.wait_for_url(f"{storefront}/host/homestays/7")
    assert services.asked[f"{HOST}/homestayEdit"] == [FIELDS]


@pytest.mark.parametrize(
    ("typed", "fen"), [("0.29", 29), ("8.1", 810), ("1,999.99", 199999), ("99999.07", 9999907), (" 35 ", 3500)]
)
def test_an_amount_is_taken_digit_by_digit(page, services, storefront, typed, fen):
    services.data(f"{HOST}/homestayEdit", {"homestay": HOMESTAY})
    page.goto(f"{storefront}/host/homestays/7/edit")
    page.locator("#homestayPriceFen").fill(typed)
    page.get_by_test_id("save").click()
    page.wait_for_url(f"{storefront}/host/homestays/7")
    assert services.asked[f"{HOST}/homestayEdit"][0]["homestayPriceFen"] == fen


@pytest.mark.parametrize("typed", ["1.234", "-1", "1e3", "abc", "12345678", "1.", ".5", "１２"])
def test_what_is_no_amount_is_said_at_its_field_and_nothing_is_sent(page, services, storefront, typed):
    page.goto(f"{storefront}/host/homestays/7/edit")
    page.locator("#homestayPriceFen").fill(typed)
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("homestayPriceFen-problem")).to_be_visible()
    expect(page.locator("#homestayPriceFen")).to_be_focused()
    assert f"{HOST}/homestayEdit" not in services.asked


def test_a_double_click_adds_one_homestay_under_one_key(page, services, storefront):
    services.data(f"{HOST}/homestayCreate", {"homestay": HOMESTAY})
    page.goto(f"{storefront}/host/homestays/new")
    page.locator("#title").fill("云上小屋")
    page.locator("#homestayPriceFen").fill("200")
    page.get_by_test_id("cancelPolicy-strict").check()
    page.get_by_test_id("save").dblclick()
    page.wait_for_url(f"{storefront}/host/homestays/7/photos")
    [sent] = services.asked[f"{HOST}/homestayCreate"]
    assert (sent["cancelPolicy"], sent["weekendPriceFen"], sent["marketPriceFen"]) == ("strict", None, 0)
    assert len(set(services.keys)) == 1


def test_a_refusal_of_the_server_stands_below_the_field_that_it_names(page, services, storefront):
    services.refuse(f"{HOST}/homestayEdit", "limits-contradict", field="maxNights")
    page.goto(f"{storefront}/host/homestays/7/edit")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("maxNights-problem")).to_have_text("最多入住晚数不能少于最少晚数")
    expect(page.locator("#maxNights")).to_have_attribute("aria-invalid", "true")
    services.refuse(f"{HOST}/homestayEdit", "homestay-not-sellable", missing=["city"])
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("form-problem")).to_contain_text("还不能上架")
    expect(page.get_by_test_id("maxNights-problem")).to_be_hidden()


def test_what_is_missing_for_the_sale_is_named_with_the_way_there(page, services, storefront):
    services.refuse(f"{HOST}/homestaySetSale", "homestay-not-sellable", missing=["city", "shop"])
    page.goto(f"{storefront}/host/homestays/7")
    page.get_by_test_id("toggle-sale").click()
    links = page.get_by_test_id("sale-problem").get_by_role("link")
    expect(links).to_have_count(2)
    assert [link.get_attribute("href") for link in links.all()] == ["/host/homestays/7/edit#city", "/host/shop"]

    links.first.click()
    expect(page.locator("#city")).to_be_focused()
    page.go_back()

    services.data(f"{HOST}/homestaySetSale", {"homestay": HOMESTAY | {"onSale": True}})
    page.get_by_test_id("toggle-sale").click()
    expect(page.get_by_test_id("sale")).to_have_attribute("data-sale", "true")
    expect(page.get_by_test_id("public-page")).to_be_visible()
    assert services.asked[f"{HOST}/homestaySetSale"] == [{"id": 7, "onSale": True}] * 2

    page.get_by_test_id("toggle-sale").click()
    page.get_by_test_id("keep").click()
    assert len(services.asked[f"{HOST}/homestaySetSale"]) == 2


def test_a_range_of_nights_is_tapped_and_priced_over_the_end_of_a_month(page, services, storefront):
    services.data(f"{HOST}/setDates", {"nights": 4})
    page.goto(f"{storefront}/host/homestays/7/calendar")
    page.locator(f"[data-night='{MONTH}-30']").click()
    page.get_by_test_id("later").click()
    expect(page.get_by_test_id("month")).to_contain_text("6")
    services.data(
        f"{HOST}/calendar",
        {"nights": [night | {"night": night["night"].replace("-05-", "-06-")} for night in NIGHTS[:30]]},
    )
    page.get_by_test_id("later").click()
    page.locator("#earlier").click()
    page.locator("[data-night='2031-06-02']").click()
    expect(page.get_by_test_id("range-words")).to_contain_text("4 晚")
    page.locator("#priceFen").fill("388.8")
    page.get_by_test_id("set-price").click()
    expect(page.get_by_test_id("range")).to_be_hidden()
    assert services.asked[f"{HOST}/setDates"] == [
        {"id": 7, "start": "2031-05-30", "end": "2031-06-03", "priceFen": 38880}
    ]


@pytest.mark.parametrize(
    ("button", "sent"),
    [("close-nights", {"closed": True}), ("open-nights", {"closed": False}), ("reset-nights", {"reset": True})],
)
def test_one_night_is_closed_reopened_and_reset(page, services, storefront, button, sent):
    services.data(f"{HOST}/setDates", {"nights": 1})
    page.goto(f"{storefront}/host/homestays/7/calendar")
    page.locator(f"[data-night='{MONTH}-12']").click()
    page.get_by_test_id(button).click()
    expect(page.get_by_test_id("range")).to_be_hidden()
    assert services.asked[f"{HOST}/setDates"] == [{"id": 7, "start": "2031-05-12", "end": "2031-05-13", **sent}]


def test_nights_say_what_is_booked_closed_and_blocked_and_past_ones_cannot_be_tapped(page, storefront):
    page.goto(f"{storefront}/host/homestays/7/calendar")
    expect(page.locator(f"[data-night='{MONTH}-04']")).to_be_disabled()
    expect(page.locator(f"[data-night='{MONTH}-06']")).to_contain_text("已订 1/2")
    expect(page.locator(f"[data-night='{MONTH}-12']")).to_contain_text("关")
    page.locator(f"[data-night='{MONTH}-20']").click()
    expect(page.locator("#range-hint")).to_contain_text("途家")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("range")).to_be_hidden()
    expect(page.locator(f"[data-night='{MONTH}-20']")).to_be_focused()


def photo(number: int) -> dict[str, object]:
    address = f"/static/homestays/{number}.svg"
    return {"id": number, "url": address, "thumbUrl": address, "width": 480, "height": 360}


def test_today_shows_who_arrives_and_tomorrow_asks_for_tomorrow(page, services, storefront):
    arrival = {"sn": "HSO1", "homestayId": 7, "title": "云上小屋", "livePeopleNum": 2, "nights": 3, "tradeState": 1}
    services.data("/order/v1/merchant/arrivals", ARRIVALS | {"list": [arrival]})
    page.goto(f"{storefront}/host")
    expect(page.get_by_test_id("arrival")).to_have_count(1)
    services.data("/order/v1/merchant/arrivals", ARRIVALS | {"day": "2031-05-06"})
    page.locator("[data-days='1']").click()
    expect(page.get_by_test_id("no-arrivals")).to_be_visible()
    assert [each["day"] for each in services.asked["/order/v1/merchant/arrivals"]] == ["2031-05-05", "2031-05-06"]


def test_every_button_of_the_desk_is_large_enough_for_a_thumb(page, services, storefront):
    services.data(f"{HOST}/homestayDetail", {"homestay": HOMESTAY | {"photos": [photo(1), photo(2)]}})
    for path in (
        "",
        "/homestays",
        "/homestays/new",
        "/homestays/7",
        "/homestays/7/photos",
        "/homestays/7/calendar",
        "/orders",
    ):
        page.goto(f"{storefront}/host{path}")
        page.wait_for_load_state("networkidle")
        small = page.evaluate(
            """() => [...document.querySelectorAll("main button, main a, main input, main summary")]
                .filter((each) => each.checkVisibility() && !each.matches(".unseen, input[type=radio], .skip"))
                .filter((each) => each.getBoundingClientRect().height < 44)
                .map((each) => each.outerHTML.slice(0, 120))"""
        )
        assert small == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_photos_are_shrunk_before_they_are_sent_and_one_that_is_none_is_named(page, services, storefront):
    services.data(f"{HOST}/addPhoto", {"photos": [photo(1)]})
    page.goto(f"{storefront}/host/homestays/7/photos")
    expect(page.get_by_test_id("no-photos")).to_be_visible()
    files = [
        {"name": "wide.png", "mimeType": "image/png", "buffer": png(3200, 1000)},
        {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"},
        {"name": "small.png", "mimeType": "image/png", "buffer": png(30, 40)},
    ]
    page.get_by_test_id("files").set_input_files(files)
    expect(page.get_by_test_id("failed-photo")).to_contain_text("notes.jpg")
    expect(page.get_by_test_id("sending")).to_be_hidden()
    sent = services.asked[f"{HOST}/addPhoto"]
    assert [jpeg_size(base64.b64decode(each["image"])) for each in sent] == [(1600, 500), (30, 40)]
    assert [each["homestayId"] for each in sent] == [7, 7]
    assert len(set(services.keys)) == 2


def test_photos_are_ordered_by_arrow_and_drag_and_go_back_when_that_is_refused(page, services, storefront):
    services.data(f"{HOST}/homestayDetail", {"homestay": HOMESTAY | {"photos": [photo(1), photo(2), photo(3)]}})
    services.data(f"{HOST}/orderPhotos", {"photos": [photo(1), photo(3), photo(2)]})
    page.goto(f"{storefront}/host/homestays/7/photos")
    tiles = page.get_by_test_id("photo")
    tiles.nth(2).get_by_role("button", name="前移").click()
    expect(tiles.nth(1)).to_have_attribute("data-id", "3")
    expect(tiles.nth(1).get_by_role("button", name="前移")).to_be_focused()

    services.refuse(f"{HOST}/orderPhotos", "unavailable")
    tiles.nth(2).drag_to(tiles.nth(0))
    expect(page.get_by_test_id("problem")).to_contain_text("服务繁忙，请稍后再试")
    assert [tile.get_attribute("data-id") for tile in tiles.all()] == ["1", "3", "2"]
    assert [each["ids"] for each in services.asked[f"{HOST}/orderPhotos"]] == [[1, 3, 2], [2, 1, 3]]

    services.data(f"{HOST}/removePhoto", {"photos": [photo(3), photo(2)]})
    tiles.nth(0).get_by_role("button", name="删除照片").click()
    page.get_by_test_id("confirm").click()
    expect(tiles).to_have_count(2)
    assert services.asked[f"{HOST}/removePhoto"] == [{"homestayId": 7, "id": 1}]


def order(number: int, **members: object) -> dict[str, object]:
    """A row of a merchant's list of orders."""
    sn = f"HSO{number}"
    return {
        "id": number, "sn": sn, "orderSn": sn, "homestayId": 7, "homestayBusinessId": 3, "title": "云上小屋",
        "subTitle": "", "cover": "", "info": "", "rowType": 0, "liveStartDate": 1936000000, "liveEndDate": 1936172800,
        "nights": 2, "livePeopleNum": 2, "needFood": False, "remark": "", "tradeState": 1, "closing": False,
        "refundOpen": False, "refundState": "none", "refundReason": "", "refundNote": "", "refundAskTime": 0,
        "cancelPolicy": "moderate", "refundFen": None, "refundLeastFen": None, "refundedFen": 0, "keptFen": 0,
        "orderTotalPrice": 460.55, "orderTotalFen": 46055, "createTime": 1, "closeTime": 1801, "payTime": 61,
    } | members  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "fen"),
    [(None, 30000), ("230.28", 23028), ("460.55", 46055), ("230.27", None), ("460.56", None), ("x", None)],
)
def test_a_refund_is_agreed_to_between_the_policys_share_and_the_whole(page, services, storefront, typed, fen):
    asked = order(3, refundState="asked", refundOpen=True, refundFen=30000, refundLeastFen=23028)
    services.data("/order/v1/merchant/orderList", {"list": [asked]})
    decided = {"sn": "HSO3", "tradeState": 1, "closing": False, "refundOpen": True, "refundState": "agreed"}
    services.data("/order/v1/merchant/refundDecision", decided)
    page.goto(f"{storefront}/host/orders")
    expect(page.get_by_test_id("refund-amount")).to_have_text("¥300.00")
    expect(page.get_by_test_id("refund-least")).to_have_text("¥230.28")
    page.get_by_test_id("agree").click()
    if typed:
        page.get_by_test_id("ask-input").fill(typed)
    page.get_by_test_id("confirm").click()
    if fen:
        expect(page.get_by_test_id("decided")).to_be_visible()
        sent = {"sn": "HSO3", "agree": True, "note": "", "refundFen": fen}
        assert services.asked["/order/v1/merchant/refundDecision"] == [sent]
    else:
        expect(page.get_by_test_id("refund-request").get_by_role("alert")).to_be_visible()
        assert "/order/v1/merchant/refundDecision" not in services.asked


def test_more_is_given_back_of_what_was_kept_and_never_more_than_that(page, services, storefront):
    kept = order(3, tradeState=3, refundedFen=23028, keptFen=23027, refundFen=23028)
    services.data("/order/v1/merchant/orderList", {"list": [kept, order(2, tradeState=1)]})
    given = {"sn": "HSO3", "refundFen": 33078, "refundedFen": 23028, "keptFen": 23027}
    services.data("/order/v1/merchant/refundMore", given)
    page.goto(f"{storefront}/host/orders")
    row = page.locator("[data-testid=order-item][data-sn=HSO3]")
    expect(row.get_by_test_id("split")).to_contain_text("¥230.28")
    expect(page.get_by_test_id("refund-more")).to_have_count(1)
    for typed in ("230.28", "100.5"):
        row.get_by_test_id("refund-more").click()
        page.get_by_test_id("ask-input").fill(typed)
        page.get_by_test_id("confirm").click()
        expect(page.locator("#ask")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("¥100.50")
    assert services.asked["/order/v1/merchant/refundMore"] == [{"sn": "HSO3", "refundFen": 10050, "note": ""}]


@pytest.mark.parametrize(("refunded", "label"), [(0, "已取消，未退款"), (23028, "已退款")])
def test_a_cancelled_order_of_which_nothing_went_back_is_not_called_refunded(
    page, services, storefront, refunded, label
):
    over = order(3, tradeState=3, refundedFen=refunded, keptFen=46055 - refunded)
    services.data("/order/v1/merchant/orderList", {"list": [over]})
    page.goto(f"{storefront}/host/orders")
    expect(page.locator("[data-testid=order-item][data-sn=HSO3] [data-state]")).to_have_text(label)


def test_payouts_open_down_to_their_orders_and_download_as_a_table(page, services, storefront):
    of_stay = {"totalFen": 46055, "refundedFen": 0, "keptFen": 46055, "feeFen": 276, "payableFen": 45779}
    of_refund = {"totalFen": 0, "refundedFen": 4633, "keptFen": -4633, "feeFen": -28, "payableFen": -4605}
    statement = {"day": "2031-05-04", "homestayId": 7, "title": "云上小屋", "orders": 1} | of_stay
    services.data("/payment/v1/host/payoutList", {"list": [statement, statement | {"day": "2031-05-03"} | of_refund]})
    services.data("/payment/v1/host/payoutOrders", {"list": [{"sn": "HSO4", "title": "云上小屋"} | of_stay]})
    services.answers["payment", "/payment/v1/host/payoutCsv"] = lambda _request: httpx.Response(200, text="日期,金额")
    page.goto(f"{storefront}/host/payouts")
    payouts = page.get_by_test_id("payout")
    expect(payouts.nth(1)).to_contain_text("−¥46.05")
    expect(page.locator("#payouts-more")).to_be_hidden()
    payouts.first.locator("summary").click()
    expect(page.get_by_test_id("payout-orders").first).to_contain_text("¥457.79")
    assert services.asked["/payment/v1/host/payoutOrders"] == [{"day": "2031-05-04", "homestayId": 7}]
    with page.expect_download() as download:
        page.get_by_test_id("csv-button").click()
    assert download.value.suggested_filename == "payouts-2031-04-05-2031-05-05.csv"
    assert download.value.path().read_text("utf-8") == "日期,金额"
    assert services.asked["/payment/v1/host/payoutCsv"] == [{"from": "2031-04-05", "to": "2031-05-05"}]


def test_calendars_are_added_shown_with_their_trouble_removed_and_the_own_link_replaced(page, services, storefront):
    tujia = {"id": 1, "name": "途家", "url": "https://tujia.example/1.ics", "nights": 3}
    tujia |= {"fetchedAt": "2031-05-05T03:00:00Z", "error": "读取不到这个日历"}
    services.data(f"{HOST}/calendarLinks", LINKS)
    services.data(f"{HOST}/conflicts", {"list": [{"night": "2031-05-20", "importName": "途家", "taken": 1}]})
    page.goto(f"{storefront}/host/homestays/7/links")
    expect(page.get_by_test_id("export-url")).to_have_value(f"{storefront}/calendars/secret.ics")
    expect(page.get_by_test_id("conflicts")).to_contain_text("5月20日")

    services.refuse(f"{HOST}/addImport", "calendar-url-refused", field="url")
    page.locator("#name").fill("途家")
    page.locator("#url").fill("ftp://x")
    page.get_by_test_id("add-button").click()
    expect(page.get_by_test_id("url-problem")).to_contain_text("日历链接必须是公网的 https 地址")
    services.data(f"{HOST}/addImport", LINKS | {"imports": [tujia]})
    services.data(f"{HOST}/calendarLinks", LINKS | {"imports": [tujia]})
    page.locator("#url").fill("https://tujia.example/1.ics")
    page.get_by_test_id("add-button").click()
    expect(page.get_by_test_id("import")).to_contain_text("读取不到这个日历")
    expect(page.locator("#name")).to_have_value("")

    services.data(f"{HOST}/removeImport", LINKS)
    page.get_by_test_id("remove-import").click()
    page.get_by_test_id("confirm").click()
    expect(page.locator("#toast")).to_contain_text("已移除")
    services.data(f"{HOST}/renewExport", LINKS)
    page.get_by_test_id("renew").click()
    page.get_by_test_id("confirm").click()
    expect(page.locator("#toast")).to_contain_text("已更换")
    assert services.asked[f"{HOST}/addImport"][-1] == {
        "homestayId": 7,
        "name": "途家",
        "url": "https://tujia.example/1.ics",
    }
    assert services.asked[f"{HOST}/removeImport"] == [{"homestayId": 7, "id": 1}]
    assert services.asked[f"{HOST}/renewExport"] == [{"homestayId": 7}]


def test_history_is_told_in_words(page, services, storefront):
    change = {"id": 2, "homestayId": 7, "action": "homestayEdit", "at": "2031-05-05T03:00:00Z"}
    change |= {
        "before": {"homestayPriceFen": 18000, "onSale": False},
        "after": {"homestayPriceFen": 20050, "onSale": True},
    }
    usual = [{"night": f"2031-05-{day:02d}", "closed": False, "priceFen": None} for day in (10, 8, 9, 12)]
    dates = {"id": 1, "homestayId": 7, "action": "setDates", "at": "2031-05-05T02:00:00Z"}
    dates |= {"before": {"nights": usual}, "after": {"nights": [each | {"priceFen": 28800} for each in usual]}}
    services.data(f"{HOST}/changeList", {"list": [change, dates]})
    page.goto(f"{storefront}/host/homestays/7/changes")
    told = page.get_by_test_id("change").first
    expect(page.get_by_test_id("change").nth(1)).to_contain_text("5月8日周四 – 5月10日周六 · ¥288; 5月12日周一 · ¥288")
    expect(told).to_contain_text("每晚价格 ¥180 → ¥200.50")
    expect(told).to_contain_text("未上架 → 在售")
