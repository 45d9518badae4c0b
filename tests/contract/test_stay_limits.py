"""How many nights and how far ahead a stay may be at most: order refuses beyond it, hosts and forms offer no more."""

import re

from order import pricing
from tests.support.services import SOURCES
from travel import models

FORM = (SOURCES["gateway"] / "templates" / "host_edit.html").read_text()
RULES = (SOURCES["gateway"] / "static" / "js" / "stayrules.js").read_text()


def _most(member: str) -> int:
    return int(re.search(rf'field\("{member}".*? max=(\d+)', FORM).group(1))


def test_order_and_travel_agree():
    assert (pricing.MOST_NIGHTS, pricing.MOST_DAYS_AHEAD) == (models.MOST_NIGHTS, models.MOST_DAYS_AHEAD)


def test_the_form_of_a_homestay_offers_no_more():
    assert (_most("minNights"), _most("maxNights")) == (models.MOST_NIGHTS, models.MOST_NIGHTS)
    assert _most("daysAhead") == models.MOST_DAYS_AHEAD


def test_the_calendar_of_a_homestay_without_limits_of_its_own_shows_the_same():
    assert f"maxNights = {models.MOST_NIGHTS}, daysAhead = {models.MOST_DAYS_AHEAD}" in RULES
