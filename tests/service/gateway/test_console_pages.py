"""Every page of the console is looked at in a browser, in both languages and at both widths.

Each module that looks holds the templates of its pages to a list, in each language and width; here the lists are compared
with the templates that there are.
"""

import tomllib

from tests.service.gateway.console_templates import ALL
from tests.service.gateway.operators import LOOKS, SIZES
from tests.support.browsing import DESK, PHONE
from tests.support.services import SOURCES

PAGES = {
    file.stem
    for file in (SOURCES["gateway"] / "templates/console").glob("*.html")
    if file.read_text().startswith('{% extends "console/base.html" %}')
}


def test_every_template_of_a_page_is_looked_at():
    assert {name.partition(":")[0] for name in ALL} == PAGES


def test_every_kind_of_problem_is_looked_at():
    texts = tomllib.loads((SOURCES["gateway"] / "locale/console/problem.zh.toml").read_text())
    kinds = {name.removeprefix("title_") for name in texts if name.startswith("title_")}
    assert {name.removeprefix("problem:") for name in ALL if name.startswith("problem:")} == kinds


def test_looks_are_taken_in_both_languages_and_at_both_widths():
    assert ({language for language, _ in LOOKS}, SIZES) == ({"zh-CN", "en"}, (PHONE, DESK))
