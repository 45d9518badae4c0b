"""Both languages say the same things, and say all that pages and scripts ask for."""

import re
import tomllib
from importlib import resources

import pytest

from order.states import RefundState

FILES = resources.files("gateway")
ZH, EN = (tomllib.loads(FILES.joinpath("locale", f"{language}.toml").read_text("utf-8")) for language in ("zh", "en"))
BUILT_KEYS = ("state_", "hint_", "step_")


def sources(folder: str, ending: str) -> str:
    return "".join(each.read_text("utf-8") for each in FILES.joinpath(folder).iterdir() if each.name.endswith(ending))


def placeholders(text: str) -> set[str]:
    """Of {n} and of {n:night|nights} alike."""
    return set(re.findall(r"\{(\w+)(?::[^|}]*\|[^}]*)?\}", text))


@pytest.mark.parametrize("section", ["page", "browser"])
def test_english_has_every_key_of_chinese_with_the_same_placeholders(section):
    assert ZH[section].keys() == EN[section].keys()
    assert {key: placeholders(text) for key, text in ZH[section].items()} == {
        key: placeholders(text) for key, text in EN[section].items()
    }


def test_scripts_ask_only_for_words_that_are_there_and_every_word_is_asked_for():
    scripts = sources("static/js", ".js")
    asked = set(re.findall(r"""\bt\(\s*"([^"]+)\"""", scripts))
    assert asked <= ZH["browser"].keys()
    unused = [key for key in ZH["browser"] if f'"{key}"' not in scripts and not key.startswith(BUILT_KEYS)]
    assert unused == []


def test_templates_use_every_word_of_theirs():
    pages = sources("templates", ".html")
    assert [key for key in ZH["page"] if f"t.{key}" not in pages and not key.startswith("title_")] == []


def test_every_state_of_a_refund_has_a_word_and_a_story():
    script = FILES.joinpath("static", "js", "refund.js").read_text("utf-8")
    for state in {*RefundState} - {RefundState.NONE}:
        assert f'{state}: {{ is: "refund_is_{state}", text: "refund_text_{state}"' in script
        assert {f"refund_is_{state}", f"refund_text_{state}"} <= ZH["browser"].keys()


def test_every_state_of_an_order_has_a_word_and_a_hint():
    for state in (-1, 0, 1, 2, 3, 4):
        assert ZH["browser"][f"state_{state}"]
        assert ZH["browser"][f"hint_{state}"]
