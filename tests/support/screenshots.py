"""Pictures of pages, for people to look at: in the folder that MINSU_SHOTS names, else nowhere."""

import os
from pathlib import Path

from playwright.sync_api import Page


def shot(page: Page, name: str, *, loads_more: bool = True) -> None:
    """The whole page as `<name>.png`, once its pictures are there: half a second after the last request of a page that
    `loads_more` by scripts."""
    if folder := os.environ.get("MINSU_SHOTS"):
        page.wait_for_load_state("networkidle" if loads_more else "load")
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
