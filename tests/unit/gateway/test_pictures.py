"""The pictures that seeds point at are there, small, and can do nothing but be looked at."""

import re
from importlib import resources
from xml.etree import ElementTree as ET

import pytest

from travel.models import Homestay
from travel.seed import seed_rows

STATIC = resources.files("gateway").joinpath("static")
PICTURES = [f"{folder}/{number}.svg" for folder in ("homestays", "avatars") for number in range(1, 13)]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_small_svg_without_script_or_outside_address(name):
    text = STATIC.joinpath(name).read_text("utf-8")
    assert len(text.encode()) < 6 * 1024
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file
    assert not re.search(r"<script|\bon\w+=|href=|<foreignObject", text)


def test_every_seeded_homestay_has_its_picture():
    assert {row["banner"].removeprefix("/static/") for row in seed_rows()[Homestay]} <= set(PICTURES)


def test_no_two_pictures_are_the_same():
    assert len({STATIC.joinpath(name).read_text("utf-8") for name in PICTURES}) == len(PICTURES)
