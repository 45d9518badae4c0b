"""What each of WeChat's documented answers means for each call, and that the document says the same as the code."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.wechat import answers
from payment.wechat.answers import CALLS
from payment.wechat.errors import Ambiguous, Busy, Meaning, Refused
from wechatsim import errors as sandbox

DOCUMENT = Path(__file__).parents[3] / "docs" / "wechat-pay-v3.md"
ROWS = [(call, *row) for call in CALLS for row in call.rows]


@pytest.mark.parametrize(
    ("call", "status", "code", "meaning"),
    [
        (answers.CLOSE, 202, "USERPAYING", Meaning.PAYING),
        (answers.CLOSE, 202, "USER_PAYING", Meaning.PAYING),
        (answers.CLOSE, 400, "ORDER_CLOSED", Meaning.CLOSED),
        (answers.CLOSE, 404, "ORDER_NOT_EXIST", Meaning.ABSENT),
        (answers.CLOSE, 404, "ORDERNOTEXIST", Meaning.ABSENT),
        (answers.CLOSE, 404, "RESOURCE_NOT_EXISTS", Meaning.ABSENT),
        (answers.CLOSE, 400, "ORDERPAID", Meaning.PAID),
        (answers.CLOSE, 400, "ORDER_PAID", Meaning.PAID),
        (answers.PREPAY, 403, "OUT_TRADE_NO_USED", Meaning.CLOSED),
        (answers.PREPAY, 400, "APPID_MCHID_NOT_MATCH", Meaning.MISCONFIGURED),
        (answers.PREPAY, 400, "PARAM_ERROR", Meaning.FINAL),
        (answers.PREPAY, 500, "OPENID_MISMATCH", Meaning.FINAL),
        (answers.QUERY, 404, "ORDER_NOT_EXIST", Meaning.ABSENT),
        (answers.QUERY, 401, "SIGN_ERROR", Meaning.MISCONFIGURED),
        (answers.REFUND, 403, "NOT_ENOUGH", Meaning.NO_FUNDS),
        (answers.REFUND, 403, "USER_ACCOUNT_ABNORMAL", Meaning.FINAL),
        (answers.QUERY_REFUND, 404, "RESOURCE_NOT_EXISTS", Meaning.ABSENT),
        (answers.TRADE_BILL, 400, "STATEMENT_CREATING", Meaning.NOT_READY),
        (answers.FUND_BILL, 400, "NO_STATEMENT_EXIST", Meaning.NOTHING_THERE),
        (answers.PREPAY, 429, "FREQUENCY_LIMITED", Meaning.LATER),
        (answers.PREPAY, 429, "", Meaning.LATER),
        (answers.PREPAY, 503, "SERVICE_UNAVAILABLE", Meaning.LATER),
        (answers.PREPAY, 500, "SYSTEMERROR", Meaning.QUERY_FIRST),
        # A code at another 4xx than its page says; at a 5xx or a 2xx it is not believed.
        (answers.CLOSE, 400, "ORDER_NOT_EXIST", Meaning.ABSENT),
        (answers.CLOSE, 500, "ORDER_NOT_EXIST", Meaning.QUERY_FIRST),
        (answers.CLOSE, 200, "ORDER_CLOSED", Meaning.QUERY_FIRST),
        # A proxy's, or new: it may have happened.
        (answers.PREPAY, 404, "", Meaning.QUERY_FIRST),
        (answers.PREPAY, 502, "", Meaning.QUERY_FIRST),
        (answers.PREPAY, 400, "SOMETHING_NEW", Meaning.QUERY_FIRST),
        (answers.PREPAY, 401, "", Meaning.QUERY_FIRST),
        (answers.QUERY_REFUND, 404, "ORDER_NOT_EXIST", Meaning.QUERY_FIRST),
    ],
)
def test_an_answer_means_one_thing_for_its_call(call, status, code, meaning):
    assert call.meaning(status, code) is meaning


@pytest.mark.parametrize(("call", "status", "code", "meaning"), ROWS)
def test_the_kind_of_error_follows_from_the_meaning(call, status, code, meaning):
    error = call.error(status, code, "why")

    expected = {Meaning.QUERY_FIRST: Ambiguous, Meaning.LATER: Busy}.get(meaning, Refused)
    assert type(error) is expected
    assert str(error) == f"{status} {code} why"


@given(st.sampled_from(CALLS), st.integers(100, 599), st.text(max_size=8))
def test_what_is_not_documented_is_never_taken_for_closed_paid_absent_or_refused(call, status, code):
    if code not in {word for _, word, _ in call.rows}:
        assert call.meaning(status, code) in {Meaning.QUERY_FIRST, Meaning.LATER}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_no_answer_is_listed_twice_and_none_is_the_calls_success(call):
    documented = [(status, code) for status, code, _ in call.refusals]

    assert len(documented) == len(set(documented))
    assert call.success not in {status for status, _ in documented}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_the_document_lists_each_call_with_its_success_and_its_refusals(call):
    section = _section(f"### {call.name}")

    assert f"`{call.request}` · success: {call.success}" in section
    assert _rows(section) == [(str(status), f"`{code}`", meaning.name) for status, code, meaning in call.refusals]


def test_every_spelling_of_an_unknown_number_that_the_query_has_the_close_has_too():
    def spellings(call):
        return {(status, code) for status, code, meaning in call.refusals if meaning is Meaning.ABSENT}

    assert spellings(answers.CLOSE) == spellings(answers.QUERY) != set()


def test_the_document_lists_the_answers_of_every_call_and_all_meanings():
    assert _rows(_section("### Every call")) == [(str(at), f"`{code}`", name.name) for at, code, name in answers.COMMON]
    meanings = dict(re.findall(r"^\| ([A-Z_]+) \| (.+) \|$", _section("### Meanings"), re.MULTILINE))
    assert meanings == {meaning.name: meaning.value for meaning in Meaning}


def test_the_document_has_no_call_that_the_code_lacks():
    listed = re.findall(r"^`((?:GET|POST) /v3\S+)` · success", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

    assert listed == [call.request for call in CALLS]


def test_the_document_lists_the_numbers_that_the_sandbox_sends():
    listed = re.findall(r"^\| (\d+) \| .+ \| `(\w+)` \|$", _section("### Numbers"), re.MULTILINE)

    of_codes = {(str(number), code) for code, number in sandbox.NUMBERS.items()}
    of_details = {sandbox.OUT_OF_RANGE, sandbox.UNLISTED_MEMBER, sandbox.OTHER_CONTENT}
    assert len(listed) == len(of_codes) + len(of_details)
    assert of_codes <= set(listed)
    assert of_details <= {int(number) for number, _ in listed}


def _section(heading):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"\n{heading}\n" in text, f"{DOCUMENT.name} has no {heading!r}"
    return re.split(r"^#+ ", text.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _rows(section):
    return re.findall(r"^\| (\d{3}) \| (`\w+`) \| ([A-Z_]+) \|$", section, re.MULTILINE)
