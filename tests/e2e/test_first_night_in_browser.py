"""From registering to the first night sold and checked in, on a phone, on the real system: no SQL, and an operator's only
part is to approve. It prints the time that it took."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import PHONE, opened, sign_in
from tests.support.pictures import png
from tests.support.screenshots import shot

pytestmark = pytest.mark.stack
PASSWORD = "correct horse battery"
LANGUAGES = {"zh-CN": "zh", "en-GB": "en"}


def register(page: Page, system, storefront: str, mobile: str) -> None:
    """By a code that came to the phone, as the desk asks for it."""
    page.goto(f"{storefront}/signin?next=/host")
    page.get_by_test_id("mobile").fill(mobile)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("send-code").click()
    expect(page.get_by_test_id("code")).to_be_focused()
    [message] = system.wechat.get("/_sim/sms", params={"mobile": mobile}).json()["sms"]
    page.get_by_test_id("code").fill(message["code"])
    page.get_by_test_id("register").click()
    page.wait_for_url("**/host")


def operate(stack: Mapping[str, str], *arguments: str) -> list[dict] | dict:
    """An operator's command; returns what it printed as JSON."""
    done = subprocess.run(
        [Path(sys.executable).parent / "minsu", "ops", *arguments, "--json"],
        env={"PATH": os.environ["PATH"], "MINSU_RUN_DIR": stack["RUN_DIR"], "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def put_up(page: Page, title: str) -> int:
    """A homestay with three photos and a price for tonight of its own, on sale; returns its id."""
    page.get_by_test_id("first-homestay").click()
    page.locator("#title").fill(title)
    page.locator("#subTitle").fill("两间房，一个院子")
    page.locator("#city").fill("大理")
    page.locator("#info").fill("推窗见苍山，步行五分钟到洱海。")
    page.locator("#homestayPriceFen").fill("328")
    page.locator("#weekendPriceFen").fill("398.5")
    page.get_by_test_id("cancelPolicy-moderate").check()
    page.get_by_test_id("save").click()

    page.wait_for_url("**/photos")
    colours = ((46, 120, 100), (210, 160, 70), (90, 120, 180))
    files = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": png(2400, 1800, colour)}
        for number, colour in enumerate(colours)
    ]
    page.get_by_test_id("files").set_input_files(files)
    photos = page.get_by_test_id("photo")
    expect(photos).to_have_count(3)
    chosen = photos.nth(2).get_attribute("data-id")
    photos.nth(2).get_by_role("button", name="设为封面").click()
    expect(photos.first).to_have_attribute("data-id", chosen)
    assert photos.first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
    page.get_by_test_id("photos-done").click()

    page.get_by_test_id("go-calendar").click()
    page.locator(".night:not(:disabled)").first.click()
    page.locator("#priceFen").fill("288")
    page.get_by_test_id("set-price").click()
    expect(page.locator(".night.date")).to_contain_text("288")
    page.locator(".crumb .back").click()
    page.get_by_test_id("toggle-sale").click()
    expect(page.get_by_test_id("sale")).to_have_attribute("data-sale", "true")
    return int(page.url.rsplit("/", 1)[1])


def buy(page: Page, stack: Mapping[str, str], homestay: int) -> tuple[str, str]:
    """Tonight, through the pages and the sandbox's cashier; returns the order's number and the check-in code."""
    page.goto(f"{stack['STOREFRONT_URL']}/homestays/{homestay}")
    page.get_by_test_id("book").click()
    page.wait_for_url("**/signin**")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    page.get_by_test_id("book").click()
    page.wait_for_url("**/pay/**")
    expect(page.get_by_test_id("amount")).to_have_text("¥288.00")
    page.get_by_test_id("pay").click()
    page.wait_for_url(f"{stack['WECHATSIM_URL']}/cashier**")
    page.locator("#pay-button").click()
    page.locator("#return-link").click()
    page.wait_for_url("**/paid/**")
    code = page.get_by_test_id("trade-code")
    expect(code).to_have_text(re.compile(r"\w{8}"))  # the page knows it a moment after it is paid
    return page.url.rsplit("/", 1)[1], code.inner_text()


def test_a_host_registers_puts_up_a_homestay_sells_a_night_and_checks_the_guest_in(browser, stack, system, complaints):
    begun = time.monotonic()
    storefront, mobile = stack["STOREFRONT_URL"], f"137{secrets.randbelow(10**8):08d}"
    shop = f"洱海小院 {mobile[-4:]}"
    host = opened(browser, complaints, PHONE)
    register(host, system, storefront, mobile)
    host.locator("#shopName").fill(shop)
    host.locator("#contactName").fill("阿月")
    host.locator("#contactMobile").fill(mobile)
    host.get_by_test_id("apply-button").click()
    expect(host.get_by_test_id("standing")).to_have_attribute("data-status", "waiting")

    [waiting] = [each for each in operate(stack, "hosts", "--status", "waiting") if each["shopName"] == shop]
    assert operate(stack, "host-approve", str(waiting["id"]), "--note", "has shown the papers")["status"] == "granted"
    host.reload()
    homestay = put_up(host, f"洱海边的白族小院 {mobile[-4:]}")

    guest = opened(browser, complaints, PHONE)
    sn, code = buy(guest, stack, homestay)

    host.goto(f"{storefront}/host")
    arrival = host.locator(f'[data-testid=arrival][data-sn="{sn}"]')
    expect(arrival.locator("[data-state]")).to_have_attribute("data-state", "1")
    host.get_by_test_id("code").fill(code)
    host.get_by_test_id("verify-button").click()
    expect(host.get_by_test_id("verified")).to_contain_text(sn)
    expect(arrival.locator("[data-state]")).to_have_attribute("data-state", "2")
    guest.goto(f"{storefront}/orders/{sn}")
    expect(guest.get_by_test_id("state")).to_have_attribute("data-state", "2")
    print(f"\nfrom registering to the first guest checked in: {time.monotonic() - begun:.1f} s")  # noqa: T201 - with pytest -s

    host.goto(f"{storefront}/host/orders")
    row = host.locator(f'[data-testid=order-item][data-sn="{sn}"]')
    row.get_by_test_id("refund-more").click()
    host.get_by_test_id("ask-input").fill("50.5")
    host.get_by_test_id("confirm").click()
    expect(row.get_by_test_id("split")).to_have_text("已退 ¥50.50，留存 ¥237.50")

    look_around(browser, stack, complaints, mobile, homestay)
    assert complaints == []


def look_around(browser: Browser, stack: Mapping[str, str], complaints: list[str], mobile: str, homestay: int) -> None:
    """Every page of the desk, in both languages: each shows what it is about and no problem."""
    own = f"/host/homestays/{homestay}"
    pages = {
        "today": ("/host", "[data-testid=arrival]"),
        "homestays": ("/host/homestays", "[data-testid=host-homestay]"),
        "homestay": (own, "#gallery img"),
        "edit": (f"{own}/edit", "#title"),
        "photos": (f"{own}/photos", "[data-testid=photo]"),
        "calendar": (f"{own}/calendar", ".night.taken"),
        "links": (f"{own}/links", "[data-testid=export-url]"),
        "changes": (f"{own}/changes", "[data-action=homestayCreate]"),
        "orders": ("/host/orders", "[data-testid=order-item]"),
        "payouts": ("/host/payouts", "[data-testid=no-payouts]"),
        "shop": ("/host/shop", "[data-testid=save]"),
    }
    for language, tag in LANGUAGES.items():
        page = opened(browser, complaints, PHONE, language)
        page.goto(f"{stack['STOREFRONT_URL']}/signin?next=/host")
        sign_in(page, mobile, PASSWORD)
        for name, (path, sign) in pages.items():
            page.goto(f"{stack['STOREFRONT_URL']}{path}")
            expect(page.locator(sign).first).to_be_visible()
            expect(page.get_by_test_id("problem")).to_be_hidden()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            shot(page, f"host-{name}-{tag}")
        page.context.close()
