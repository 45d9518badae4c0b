"""A visitor registers with a code by text message, in a browser, on the real system."""

import secrets

import pytest
from playwright.sync_api import expect

from tests.support.browsing import PHONE, opened

pytestmark = pytest.mark.stack


def test_a_visitor_asks_for_a_code_reads_it_and_registers_with_it(browser, stack, system, complaints):
    mobile = f"136{secrets.randbelow(10**8):08d}"
    page = opened(browser, complaints, PHONE)
    page.goto(f"{stack['STOREFRONT_URL']}/signin?next=/orders")
    page.get_by_test_id("mobile").fill("1")
    page.get_by_test_id("send-code").click()
    expect(page.locator("#problem")).to_be_visible()
    expect(page.get_by_test_id("mobile")).to_be_focused()

    page.get_by_test_id("mobile").fill(mobile)
    page.get_by_test_id("send-code").click()
    expect(page.get_by_test_id("send-code")).to_be_disabled()
    expect(page.get_by_test_id("code")).to_be_focused()
    [message] = system.wechat.get("/_sim/sms", params={"mobile": mobile}).json()["sms"]

    page.get_by_test_id("password").fill("correct horse")
    page.get_by_test_id("code").fill("000000" if message["code"] != "000000" else "111111")
    page.get_by_test_id("register").click()
    expect(page.get_by_test_id("code")).to_be_focused()
    page.get_by_test_id("code").fill(message["code"])
    page.get_by_test_id("register").click()
    page.wait_for_url(lambda address: "/signin" not in address)

    [row] = system.rows("usercenter", 'select mobile_proven_by from "user" where mobile = %s', mobile)
    assert row["mobile_proven_by"] == "code"
    assert complaints == []
