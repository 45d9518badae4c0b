"""Money, numbers, messages, traces: small rules that everything leans on."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.messages import Catalogue, preferred_language
from servicekit.money import yuan, yuan_text
from servicekit.numbers import business_number
from tests.support.services import SERVICES


@given(st.integers(0, 2**53 // 100))
def test_yuan_is_exact_to_the_fen(fen):
    assert round(yuan(fen) * 100) == fen


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (5, "0.05"), (19900, "199.00"), (-105, "-1.05")])
def test_yuan_text_has_two_decimals(fen, text):
    assert yuan_text(fen) == text


def test_a_business_number_tells_when_in_shanghai_and_fits_wechats_limit():
    number = business_number("PMT", datetime(2026, 11, 23, 16, 30, 5, tzinfo=UTC))

    assert re.fullmatch(r"PMT20261124003005\d{8}", number)
    assert 6 <= len(number) <= 32


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr, en;q=0.3", "en"),
        ("en;q=0.3, zh;q=0.3", "zh"),
        ("en;q=nonsense", "zh"),
        ("*", "zh"),
    ],
)
def test_chinese_unless_english_is_preferred(header, language):
    assert preferred_language(header) == language


def test_every_message_is_there_in_both_languages():
    for package in SERVICES:
        catalogue = Catalogue(package)
        for slug, texts in catalogue._messages.items():
            assert set(texts) == {"zh", "en"}, (package, slug)


def test_a_message_with_a_missing_parameter_still_reads():
    catalogue = Catalogue()
    catalogue._messages["limit"] = {"zh": "最多{most}人", "en": "at most {most} people"}

    assert catalogue.text("limit", "en", most=3) == "at most 3 people"
    assert catalogue.text("limit", "en") == "at most {most} people"


async def test_a_client_that_disconnects_in_its_body_is_no_error(capsys):
    from fastapi import FastAPI, Request

    from servicekit import problems

    app = FastAPI()
    problems.install(app, Catalogue())
    taken = []

    @app.post("/x")
    async def take(request: Request) -> None:
        taken.append(await request.body())

    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": [],
        "http_version": "1.1", "scheme": "http", "server": ("app", 80), "client": ("me", 1),
    }  # fmt: skip
    await app(scope, receive, send)

    assert sent[0]["status"] == 400
    assert taken == []
    assert "unexpected error" not in capsys.readouterr().out
