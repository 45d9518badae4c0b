"""Text that PostgreSQL, argon2, JSON and logs cannot take: found wherever it is, and shown where it must be kept."""

import json
import subprocess
import sys

import pytest
from fastapi import FastAPI, Request

from servicekit import problems
from servicekit.errors import InvalidInput
from servicekit.messages import Catalogue
from servicekit.storable import is_suspect, shown, storable, unstorable_member


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\udfff!"])
def test_text_that_a_part_cannot_take_is_refused(text):
    with pytest.raises(ValueError, match="NUL character nor a lone surrogate"):
        storable(text)


@pytest.mark.parametrize("text", ["", "民宿", "😀", "\U0010ffff", "\ud7ff\ue000", "\x01\x7f\u2028"])
def test_all_other_text_stays_as_it_is(text):
    assert storable(text) == text
    assert shown(text) == text


def test_what_must_be_kept_is_kept_with_escapes_in_its_place():
    assert shown("19\x0000\ud800民") == "19\\u000000\\ud800民"
    assert (shown(None), shown(5), shown(["\x00"])) == (None, 5, ["\x00"])


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ("\x00", "body"),
        ({"a": "x", "password": "\ud800"}, "password"),
        ({"stays": [{"title": "x"}, {"title": "\x00"}]}, "stays.1.title"),
        (["\udfff"], "0"),
        ({"a\x00": 1}, "body"),
        ({"a": {"\ud800": 1}}, "a"),
        ({"a": ["x", 1, None, {"b": "民"}]}, None),
        (None, None),
    ],
)
def test_the_member_is_named(document, where):
    assert unstorable_member(document) == where


@pytest.mark.parametrize(
    ("document", "suspect"),
    [
        (b'"\\u0000"', True),
        (b'"\\uD800"', True),
        (b'"\\udfff"', True),
        (b'"\x00"', True),
        (b'"\xed\xa0\x80"', True),
        ('"民宿"'.encode("utf-16"), True),
        (b'"\\u003c"', False),
        ('"한국 민宿"'.encode(), False),
        (b"{}", False),
    ],
)
def test_bytes_give_reason_to_look_only_where_such_text_may_be(document, suspect):
    assert is_suspect(document) is suspect


def test_no_depth_is_too_deep():
    document = "\x00"
    for _ in range(50_000):
        document = [document]
    assert unstorable_member(document) == ".".join(["0"] * 50_000)


def test_a_problem_that_quotes_such_text_can_be_sent():
    app = FastAPI()
    request = Request({"type": "http", "app": app, "headers": [], "path": "/", "query_string": b""})
    answer = problems.render(request, Catalogue(), InvalidInput("of \ud800\x00", field="\udfff"))
    assert json.loads(answer.body)["detail"] == "of \ud800\x00"
    assert b"\\ud800\\u0000" in answer.body


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_line_of_the_log_that_quotes_such_text_is_written(form):
    script = (
        "import logging, structlog\n"
        "from servicekit.telemetry.logs import configure_logging\n"
        f"configure_logging('test', log_format='{form}', level='INFO')\n"
        "structlog.get_logger().error('first', path='/\\ud800\\x00')\n"
        "logging.getLogger('other').error('second \\udfff')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    first, second = done.stdout.splitlines()
    assert b"\\ud800" in first
    assert b"second \\udfff" in second
