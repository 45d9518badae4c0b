"""Scripts and forms of the pages: text enters as text, and a password can be pasted and is not seen."""

import re
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(str(resources.files("gateway")))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|DOMParser|srcdoc"
    r"|\beval\(|new Function|setAttribute\(\s*[\"']on"
    r"|window\.onmessage|window\.addEventListener\([\"']message|\b(?:parent|opener|top)\.postMessage"
)
"""What would make markup or code of text, or hear other windows."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_neither_markup_nor_code_of_text(script):
    assert MARKUP.findall(script.read_text("utf-8")) == []


def test_templates_escape_all_they_show():
    assert len(TEMPLATES) > 20
    assert [path.name for path in TEMPLATES if re.search(r"\|\s*safe\b|autoescape", path.read_text("utf-8"))] == []


def test_a_password_is_masked_and_may_be_pasted_or_filled_in():
    pages = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in TEMPLATES}
    fields = [
        (name, field)
        for name, text in pages.items()
        for field in re.findall(r"<input[^>]*name=\"\w*[pP]assword\"[^>]*>", text)
    ]
    assert {name for name, _ in fields} >= {"templates/signin.html", "templates/console/signin.html"}
    for name, field in fields:
        assert 'type="password"' in field, name
        assert re.search(r'autocomplete="(current|new)-password"', field), name
        assert not re.search(r"onpaste|readonly", field), name
    assert [path.name for path in SCRIPTS if "paste" in path.read_text("utf-8")] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_assigns_no_member_by_a_name_from_outside(script):
    """`what[name] = …` with a name such as `__proto__` would change every object; a Map takes any name."""
    text = script.read_text("utf-8")
    assert re.findall(r"[\w\])]\[[^\]\"'\d][^\]]*\]\s*=[^=>]|__proto__|\.prototype\b|setPrototypeOf", text) == []


def test_a_browser_keeps_tokens_a_draft_and_that_it_is_known_and_nothing_else():
    """sessionStorage: the tokens, and a booking until its guest has signed in; localStorage: a token that opens nothing."""
    texts = {path.name: path.read_text("utf-8") for path in SCRIPTS}
    keeping = {
        name for name, text in texts.items() if re.search(r"Storage\b|indexedDB|document\.cookie|caches\.", text)
    }
    keys = {key for name in keeping for key in re.findall(r"[\"'`]minsu\.([a-z]+)", texts[name])}
    assert keeping == {"booking.js", "session.js"}
    assert keys == {"session", "draft", "device"}
    assert [name for name, text in texts.items() if re.search(r"document\.cookie|indexedDB", text)] == []
