"""No regular expression of ours can be made to try exponentially many ways: a repeat directly around a repeat, where the
inner one may end anywhere, is refused in all sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]  # the parser's own names
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
SOURCES = sorted(REPO.glob("*/*/src/**/*.py"))
CALLS = {"compile", "fullmatch", "match", "search", "findall", "finditer", "sub", "split"}
REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT}


def patterns() -> Iterator[tuple[str, str]]:
    """Where, and the pattern: of calls of `re`, and of every `pattern=`."""
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            of_re = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "re" and name in CALLS
            found = node.args[:1] if of_re else []
            found = [*found, *(each.value for each in node.keywords if each.arg == "pattern")]
            for each in found:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield f"{file.relative_to(REPO)}:{node.lineno}", each.value


def is_dangerous(pattern: str) -> bool:
    return _nested(parser.parse(pattern), within=False)


def _nested(items: Any, *, within: bool) -> bool:
    """Whether an unbounded repeat lies in an unbounded repeat whose body does not begin with a fixed character."""
    return any(_nested_in(code, value, within=within) for code, value in items)


def _nested_in(code: Any, value: Any, *, within: bool) -> bool:
    if code is codes.SUBPATTERN:
        return _nested(value[-1], within=within)
    if code is codes.BRANCH:
        return any(_nested(each, within=within) for each in value[1])
    if code not in REPEATS:
        return False
    _, most, body = value
    if most != codes.MAXREPEAT:
        return _nested(body, within=within)
    begins = _inner(body)
    is_marked = bool(begins) and begins[0][0] is codes.LITERAL
    return within or _nested(body, within=not is_marked)


def _inner(body: Any) -> Any:
    """Without the group around it."""
    items = list(body)
    return _inner(items[0][1][-1]) if len(items) == 1 and items[0][0] is codes.SUBPATTERN else items


@pytest.mark.parametrize(
    "pattern", [r"(\d+(\.\d+)?[smhd]?)+", r"(a+)+", r"([a-z]*)*x", r"(?:\s*\w+)+$", r"((a|b+)c?)*"]
)
def test_what_freezes_is_found(pattern):
    assert is_dangerous(pattern)


@pytest.mark.parametrize("pattern", [r"(/[\w.-]+)*", r"[0-9]{1,9}(\.[0-9]+)?", r"(?:,\d+)+", r"a+b+", r"(ab?)+"])
def test_what_does_not_is_not(pattern):
    assert not is_dangerous(pattern)


def test_no_pattern_of_ours_freezes():
    found = list(patterns())
    assert len(found) > 40
    assert [(where, pattern) for where, pattern in found if is_dangerous(pattern)] == []
    for _, pattern in found:
        re.compile(pattern)
