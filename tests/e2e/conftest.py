"""What tests in a browser share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from stack.setup import browser as chromium
from tests.support.browsing import ARGUMENTS
from tests.support.stack import REPO

LONGEST_LOOK_MS = 15_000  # static/js/watch.js: so long a page may take to see what happened elsewhere
expect.set_options(timeout=LONGEST_LOOK_MS + 5_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable(REPO), env=chromium.environment(REPO), args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages complained of: errors of scripts, and breaches of the content policy."""
    return []
