"""The console says the same in both languages, and has a text for all that its templates and acts name."""

import re
import tomllib
from importlib import resources

import pytest

from gateway.console import contents
from gateway.console.navigation import NAVIGATION

FILES = resources.files("gateway")
LOCALE, TEMPLATES = FILES.joinpath("locale", "console"), FILES.joinpath("templates", "console")
PAGES = sorted(each.name.removesuffix(".zh.toml") for each in LOCALE.iterdir() if each.name.endswith(".zh.toml"))


def texts(page, language="zh"):
    return tomllib.loads(LOCALE.joinpath(f"{page}.{language}.toml").read_text("utf-8"))


def placeholders(catalogue):
    return {key: set(re.findall(r"\{(\w*)\}", text)) for key, text in catalogue.items()}


def test_every_file_of_texts_has_its_other_language():
    assert sorted(each.name for each in LOCALE.iterdir()) == sorted(
        f"{page}.{language}.toml" for page in PAGES for language in ("zh", "en")
    )


@pytest.mark.parametrize("page", PAGES)
def test_english_has_every_key_of_chinese_with_the_same_placeholders(page):
    assert placeholders(texts(page, "en")) == placeholders(texts(page, "zh"))


@pytest.mark.parametrize("page", [each.name for each in TEMPLATES.iterdir()])
def test_a_template_asks_only_for_texts_that_are_there(page):
    own = page.removesuffix(".html").removesuffix("_steps")
    known = texts("base").keys() | (texts(own).keys() if own in PAGES else set())
    asked = set(re.findall(r"\bt\.(\w+)", TEMPLATES.joinpath(page).read_text("utf-8")))
    assert asked - {"get", "title"} <= known


@pytest.mark.parametrize("page", PAGES)
def test_a_page_repeats_no_text_that_all_pages_have(page):
    assert page == "base" or not texts(page).keys() & texts("base").keys()


def test_every_page_of_the_navigation_and_every_act_has_its_texts():
    assert {f"nav_{name}" for name, _ in NAVIGATION} <= texts("base").keys()
    for act in (act for page in contents.PAGES for act in page.ACTS):
        wanted = {f"act_{act.name}{ending}" for ending in ("", "_does", "_done")}
        wanted |= {f"act_{act.name}_{each.name}" for each in act.inputs}
        assert wanted <= texts(act.page).keys()
