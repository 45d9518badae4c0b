"""An operator before the console: over HTTP as a browser would send it, and in a browser."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import httpx
from playwright.sync_api import Page

from tests.service.gateway.services import Services
from tests.support.accessibility import violations
from tests.support.browsing import DESK, PHONE
from tests.support.screenshots import shot

BROWSER = {"Origin": "http://app", "Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form that one of our own pages has sent; `app` is the host of servicekit's test client."""
MOBILE, PASSWORD = "13800000009", "secret-123"


class Operations(Services):
    """Services behind the console: `data("/order/v1/ops/closingList", …)`. `bodies` is what a path was asked, oldest first;
    `waits` how many seconds each could take. An operator's sign-in works from the start."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: dict[str, list[dict[str, Any]]] = {}
        self.bearers: list[str] = []
        self.waits: list[float | None] = []
        self.fresh()

    def fresh(self) -> None:
        """As at the start of a test."""
        self.answers.clear()
        self.bodies.clear()
        self.bearers.clear()
        self.waits.clear()
        self.refreshes = 0
        self.sign_in("operator")

    async def invoke(self, app_id, method, path, **parts):
        if parts.get("json") is not None:
            self.bodies.setdefault(path, []).append(parts["json"])
            self.waits.append(parts.get("timeout_seconds"))
            self.bearers.append((parts.get("headers") or {}).get("authorization", ""))
        return await super().invoke(app_id, method, path, **parts)

    def end_sessions(self) -> None:
        """Let every service refuse the token from now on, as after a revocation."""
        for _, path in list(self.answers):
            if "/v1/ops/" in path:
                self.refuse(path, "unauthenticated")


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', html)
    assert found, html
    return found[1]


async def post(http: httpx.AsyncClient, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    """As a browser sends a form."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    return await http.post(path, content=urlencode(fields), headers=form | BROWSER | headers)


async def enter(http: httpx.AsyncClient, *, target: str = "/console") -> str:
    """Sign in; the CSRF token of the session."""
    page = await http.get("/console/signin")
    fields = {"csrf": csrf_of(page.text), "mobile": MOBILE, "password": PASSWORD, "next": target}
    response = await post(http, "/console/signin", fields)
    assert (response.status_code, response.headers["location"]) == (303, target), unescape(response.text)
    return csrf_of((await http.get("/console")).text)


def end_pause(http: httpx.AsyncClient) -> None:
    """As when the time has passed for which no page renews the session, since one could not."""
    http.cookies.delete("minsu_console_no_renewal")


def type_in(page: Page) -> None:
    """Send the console's sign-in form; what follows is another page or the form again."""
    page.get_by_test_id("mobile").fill(MOBILE)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("login").click()


def sign_in(page: Page) -> None:
    """On the console's sign-in page."""
    type_in(page)
    page.wait_for_url(lambda address: "/signin" not in address)


LOOKS = [("zh-CN", PHONE), ("en", DESK)]
"""Every page of the console is looked at in both languages, by an operator with a phone and by one at a desk."""
SIZES = (PHONE, DESK)
_looked: WeakKeyDictionary[Page, set[str]] = WeakKeyDictionary()


def look(page: Page, name: str) -> None:
    """On a phone and on a desk: keep a picture of the page as `console-<name>-<width>`; raises AssertionError where
    axe-core finds something wrong, or the page is wider than its window."""
    _looked.setdefault(page, set()).add(_template(page))
    before = page.viewport_size
    for size in SIZES:
        page.set_viewport_size(size)
        shot(page, f"console-{name}-{size['width']}", loads_more=False)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size(before)


def looked_at(page: Page) -> set[str]:
    """The templates of the pages that this one has looked at; `problem:<kind>` of a problem."""
    return _looked.get(page, set())


def _template(page: Page) -> str:
    name = str(page.locator("body").get_attribute("data-page"))
    return f"problem:{page.locator('[data-kind]').get_attribute('data-kind')}" if name == "problem" else name
