"""What axe-core finds wrong with a page for people who cannot see it or use no mouse."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from stack.setup import axe
from tests.support.stack import REPO


@cache
def _script() -> str:
    return axe.script(REPO).read_text()


def violations(page: Page) -> list[str]:
    """`rule: element` of everything that breaks a rule; empty for a page that is fine."""
    if not page.evaluate("'axe' in window"):
        # By the protocol itself: Playwright's evaluate takes the 650 kB through its own, twice as long.
        page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": _script()})
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((result) => result.violations)")
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]
