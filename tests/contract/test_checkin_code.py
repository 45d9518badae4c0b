"""What a check-in code looks like: order makes it; its search, console, `minsu ops find` and host desk go by that."""

import inspect
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.console import find
from minsu import following, following_cli
from notification.rendering import character_string
from order import codes
from order.inspection_schemas import OrderSearch
from order.models import HomestayOrder
from tests.contract.wording import NUMERALS, page_text
from tests.support.services import SOURCES

REPO = Path(__file__).resolve().parents[2]
CODES = [(codes.ALPHABET * 2)[start : start + codes.LENGTH] for start in range(len(codes.ALPHABET))]
TOO_SHORT, TOO_LONG = codes.ALPHABET[: codes.LENGTH - 1], codes.ALPHABET[: codes.LENGTH + 1]


def test_the_column_is_as_wide():
    assert HomestayOrder.__table__.c.checkin_code.type.length == codes.LENGTH


@pytest.mark.parametrize("pattern", [find.CHECKIN_CODE, following.CHECKIN_CODE], ids=["console", "minsu"])
def test_console_and_command_line_know_it(pattern):
    assert all(pattern.fullmatch(code) for code in CODES)
    assert not pattern.fullmatch(TOO_SHORT)
    assert not pattern.fullmatch(TOO_LONG)


def test_operators_find_an_order_by_every_code_and_by_nothing_else():
    assert [OrderSearch(checkin_code=code).checkin_code for code in CODES] == CODES
    for other in (TOO_SHORT, TOO_LONG):
        with pytest.raises(ValidationError, match="checkin_code"):
            OrderSearch(checkin_code=other)


def test_it_fits_into_a_message():
    assert [character_string(code) for code in CODES] == CODES


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_consoles_example_of_a_search_is_a_code_and_a_mobile_as_they_look(language):
    texts = tomllib.loads((SOURCES["gateway"] / "locale" / "console" / f"find.{language}.toml").read_text())
    examples = re.findall(r"[0-9A-Z]{6,}", texts["what_hint"])
    patterns = (find.MOBILE, find.CHECKIN_CODE)
    assert [[bool(each.fullmatch(example)) for each in patterns] for example in examples] == [
        [True, False],
        [False, True],
    ]


def test_a_host_may_type_it_with_spaces():
    field = re.search(r'<input id="code".*?>', (SOURCES["gateway"] / "templates" / "host.html").read_text()).group()
    assert int(re.search(r'maxlength="(\d+)"', field).group(1)) >= 2 * codes.LENGTH - 1


def test_texts_say_how_long_it_is():
    assert [
        int(re.search(r"\d+", page_text(f"desk.{name}.toml", "verify_label")).group()) for name in ("zh", "en")
    ] == [codes.LENGTH] * 2
    numeral = NUMERALS[codes.LENGTH]
    assert f"a check-in code of {numeral} characters" in inspect.getsource(following_cli.find)
    assert codes.__doc__.startswith(f"Check-in codes: {numeral} characters")
    [row] = re.findall(r"^\| check-in code \|.*$", (REPO / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert f"| {numeral} characters, " in row
