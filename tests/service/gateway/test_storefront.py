"""The storefront's pages: their language, their policy, their files."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from gateway.main import create_app
from servicekit.testing import FakeSidecar, client
from tests.service.gateway.serving import settings

SN = "HSO2026112309302612345678"
PAGES = [
    "/",
    "/homestays/1",
    "/signin",
    "/orders",
    "/account",
    f"/orders/{SN}",
    f"/pay/{SN}",
    f"/waiting/{SN}",
    f"/paid/{SN}",
    "/host",
    "/host/shop",
    "/host/homestays",
    "/host/homestays/new",
    "/host/homestays/1",
    "/host/homestays/1/edit",
    "/host/homestays/1/photos",
    "/host/homestays/1/calendar",
    "/host/homestays/1/links",
    "/host/homestays/1/changes",
    "/host/orders",
    "/host/payouts",
]


def page_data(html):
    return json.loads(re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html)[1])


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_our_own_scripts_and_nothing_else(door, path):
    response = await door.http.get(path)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    html = response.text
    assert not re.search(r"\sstyle=|\son\w+=|<style", html)
    for script in re.findall(r"<script(?! type=\"application/json\")[^>]*>", html):
        assert re.fullmatch(r'<script type="module" src="/static/v-[0-9a-f]{12}/js/\w+\.js">', script)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    assert door.peers.requests == []


@pytest.mark.parametrize("path", PAGES)
async def test_every_file_that_a_page_names_is_there_and_kept_for_ever(door, path):
    html = (await door.http.get(path)).text
    for address in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html)):
        answer = await door.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        for imported in re.findall(r'from "\./(\w+\.js)"|import "\./(\w+\.js)"', answer.text):
            beside = address.rsplit("/", 1)[0] + "/" + "".join(imported)
            assert (await door.http.get(beside)).status_code == 200


async def test_chinese_comes_first_and_english_when_asked_for(door):
    chinese = await door.http.get("/", headers={"Accept-Language": "fr"})
    assert '<html lang="zh-CN">' in chinese.text
    assert "今晚，住进山水人家" in chinese.text
    english = await door.http.get("/", headers={"Accept-Language": "en-GB,zh;q=0.5"})
    assert '<html lang="en">' in english.text
    assert page_data(english.text)["words"]["state_1"] == "Confirmed"


async def test_the_chosen_language_is_kept_and_stronger_than_the_browsers(door):
    choice = await door.http.get(f"/orders/{SN}?a=1&lang=en")
    assert (choice.status_code, choice.headers["location"]) == (303, f"/orders/{SN}?a=1")
    assert "HttpOnly" in choice.headers["set-cookie"]
    kept = await door.http.get("/", headers={"Cookie": "minsu_lang=en", "Accept-Language": "zh-CN"})
    assert '<html lang="en">' in kept.text
    nonsense = await door.http.get("/", headers={"Cookie": "minsu_lang=xx"})
    assert '<html lang="zh-CN">' in nonsense.text


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/orders/HSO1",
        "/pay/%3Cscript%3E",
        "/homestays/0",
        "/homestays/x",
        f"/homestays/{2**63}",
        "/host/homestays/0",
        "/host/homestays/x/edit",
        "/host/homestays/1/nowhere",
    ],
)
async def test_an_address_that_names_nothing_is_a_page_for_a_browser_and_a_problem_for_a_program(door, path):
    browser = await door.http.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    program = await door.http.get(path)
    assert (browser.status_code, program.status_code) == (404, 404)
    assert browser.headers["content-type"] == "text/html; charset=utf-8"
    assert "页面不存在" in browser.text
    assert "<script>" not in browser.text
    assert program.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
async def test_the_public_door_tells_nothing_of_how_it_is_built(door, path):
    assert (await door.http.get(path)).status_code == 404


async def test_a_page_knows_its_order_and_the_cashier(door):
    data = page_data((await door.http.get(f"/pay/{SN}")).text)
    assert (data["sn"], data["cashierUrl"]) == (SN, "https://cashier.example/cashier")
    assert data["publicUrl"] == ""  # then the browser's own address, which no header of a request can change
    assert page_data((await door.http.get(f"/paid/{SN}")).text)["justPaid"] is True


async def test_the_configured_public_address_is_the_one_people_come_back_to():
    app = create_app(settings(public_url="https://minsu.example/", cashier_url=""), sidecar=FakeSidecar())
    async with client(app) as http:
        html = (await http.get(f"/pay/{SN}", headers={"Host": "evil.example"})).text
    assert (page_data(html)["publicUrl"], page_data(html)["cashierUrl"]) == ("https://minsu.example", "")
    assert "evil.example" not in html
    assert "wx.requestPayment" in html


async def test_demo_accounts_are_hinted_at_only_in_a_demo(door):
    assert 'data-testid="demo-hint"' not in (await door.http.get("/signin")).text
    async with client(create_app(settings(demo=True), sidecar=FakeSidecar())) as http:
        assert 'data-testid="demo-hint"' in (await http.get("/signin")).text


async def test_pictures_are_kept_for_an_hour_and_can_run_nothing(door):
    response = await door.http.get("/static/homestays/1.svg")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml; charset=utf-8")
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert "sandbox" in response.headers["content-security-policy"]
    again = await door.http.get("/static/homestays/1.svg", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


async def test_another_replicas_version_is_answered_but_not_kept_for_ever(door):
    response = await door.http.get("/static/v-000000000000/minsu.css")
    assert (response.status_code, response.headers["cache-control"]) == (200, "public, max-age=3600")


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/../main.py", "/static/%2e%2e/settings.py", "/static/js"]
)
async def test_only_files_of_the_storefront_are_served(door, path):
    response = await door.http.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_code_becomes_a_qr_picture_that_is_not_stored(door):
    response = await door.http.post("/storefront/qr", json={"text": "K7MX4QPA"})
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml; charset=utf-8")
    assert response.headers["cache-control"] == "no-store"
    assert ET.fromstring(response.text).tag.endswith("svg")  # noqa: S314 - our own answer


@pytest.mark.parametrize("text", ["", "x" * 33, "一", None, 7])
async def test_a_qr_of_anything_else_is_refused_by_name(door, text):
    response = await door.http.post("/storefront/qr", json={"text": text})
    assert (response.status_code, response.json()["field"]) == (422, "text")
