"""Both languages say the same things, and say all that pages and scripts ask for."""

import re
import tomllib
from importlib import resources

import pytest

from order.cancelling import TERMS
from order.states import RefundState, TradeState

FILES = resources.files("gateway")
LANGUAGES = ("zh", "en")
ZH, EN = (tomllib.loads(FILES.joinpath("locale", f"{language}.toml").read_text("utf-8")) for language in LANGUAGES)
DESK_ZH, DESK_EN = (
    tomllib.loads(FILES.joinpath("locale", f"desk.{language}.toml").read_text("utf-8")) for language in LANGUAGES
)
BUILT_KEYS = ("state_", "hint_", "step_")
DESK_BUILT_KEYS = ("policy_", "member_", "change_")
DESK = "host"
"""How the files of the host desk begin; what both need is in the storefront's catalogue."""


def sources(folder: str, ending: str, *, desk: bool = True) -> str:
    files = [each for each in FILES.joinpath(folder).iterdir() if each.name.endswith(ending)]
    return "".join(each.read_text("utf-8") for each in files if desk or not each.name.startswith(DESK))


def placeholders(text: str) -> set[str]:
    """Of {n} and of {n:night|nights} alike."""
    return set(re.findall(r"\{(\w+)(?::[^|}]*\|[^}]*)?\}", text))


@pytest.mark.parametrize("section", ["page", "browser"])
@pytest.mark.parametrize(("zh", "en"), [(ZH, EN), (DESK_ZH, DESK_EN)], ids=["storefront", "desk"])
def test_english_has_every_key_of_chinese_with_the_same_placeholders(section, zh, en):
    assert zh[section].keys() == en[section].keys()
    assert {key: placeholders(text) for key, text in zh[section].items()} == {
        key: placeholders(text) for key, text in en[section].items()
    }


@pytest.mark.parametrize("section", ["page", "browser"])
def test_the_desk_gives_no_text_of_the_storefront_another_meaning(section):
    assert ZH[section].keys() & DESK_ZH[section].keys() == set()


def test_scripts_ask_only_for_words_that_are_there_and_every_word_is_asked_for():
    scripts = sources("static/js", ".js", desk=False)
    asked = set(re.findall(r"""\bt\(\s*"([^"]+)\"""", scripts))
    assert asked <= ZH["browser"].keys()
    unused = [key for key in ZH["browser"] if f'"{key}"' not in scripts and not key.startswith(BUILT_KEYS)]
    assert unused == []


def test_scripts_of_the_desk_ask_only_for_words_that_are_there_and_every_word_is_asked_for():
    scripts = sources("static/js", ".js")
    asked = set(re.findall(r"""\bt\(\s*"([^"]+)\"""", scripts))
    assert asked <= ZH["browser"].keys() | DESK_ZH["browser"].keys()
    built = [key for key in DESK_ZH["browser"] if key.startswith(DESK_BUILT_KEYS)]
    assert [key for key in DESK_ZH["browser"] if f'"{key}"' not in scripts and key not in built] == []


def test_templates_use_every_word_of_theirs():
    storefront = sources("templates", ".html", desk=False)
    assert set(re.findall(r"\bt\.(\w+)", storefront)) <= ZH["page"].keys()
    pages = sources("templates", ".html")
    assert set(re.findall(r"\bt\.(\w+)", pages)) <= ZH["page"].keys() | DESK_ZH["page"].keys()
    assert [
        key for key in ZH["page"] | DESK_ZH["page"] if f"t.{key}" not in pages and not key.startswith("title_")
    ] == []


def test_every_state_of_a_refund_has_a_label_and_a_text():
    script = FILES.joinpath("static", "js", "refund.js").read_text("utf-8")
    for state in {*RefundState} - {RefundState.NONE}:
        assert f'{state}: {{ is: "refund_is_{state}", text: "refund_text_{state}"' in script
        assert {f"refund_is_{state}", f"refund_text_{state}"} <= ZH["browser"].keys()


def test_every_state_of_an_order_has_a_label_and_a_hint():
    for state in TradeState:
        assert ZH["browser"][f"state_{state.value}"]
        assert ZH["browser"][f"hint_{state.value}"]


@pytest.mark.parametrize("desk", [DESK_ZH, DESK_EN], ids=LANGUAGES)
def test_hosts_read_the_days_and_shares_of_each_policy(desk):
    for policy, terms in TERMS.items():
        told = re.findall(r"\d+", desk["page"][f"policy_{policy}_text"].replace("12 点", ""))
        days = {str(step.days) for step in terms.steps if step.days}
        shares = {str(step.percent) for step in terms.steps if step.percent < 100}
        assert days | shares <= set(told)
