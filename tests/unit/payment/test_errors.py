"""WeChat's error codes: what each means, whatever status it comes with."""

import pytest

from payment.wechat.errors import MEANINGS, Ambiguous, Busy, Meaning, Refused, meaning_of, of_answer


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (500, "SYSTEM_ERROR", Meaning.ASK_FIRST),
        (500, "SYSTEMERROR", Meaning.ASK_FIRST),
        (502, "", Meaning.ASK_FIRST),
        (500, "SOMETHING_NEW", Meaning.ASK_FIRST),
        (429, "FREQUENCY_LIMITED", Meaning.LATER),
        (429, "RATELIMIT_EXCEEDED", Meaning.LATER),
        (429, "", Meaning.LATER),
        (503, "SERVICE_UNAVAILABLE", Meaning.LATER),
        (401, "SIGN_ERROR", Meaning.OURS_TO_MEND),
        (401, "", Meaning.OURS_TO_MEND),
        (403, "NO_AUTH", Meaning.OURS_TO_MEND),
        (403, "NOT_ENOUGH", Meaning.NO_FUNDS),
        (400, "ORDERPAID", Meaning.PAID),
        (400, "ORDER_PAID", Meaning.PAID),
        (400, "ORDER_CLOSED", Meaning.CLOSED),
        (403, "OUT_TRADE_NO_USED", Meaning.CLOSED),
        (404, "ORDER_NOT_EXIST", Meaning.ABSENT),
        (404, "ORDERNOTEXIST", Meaning.ABSENT),
        (404, "RESOURCE_NOT_EXISTS", Meaning.ABSENT),
        (404, "", Meaning.ASK_FIRST),
        (403, "", Meaning.ASK_FIRST),
        (408, "", Meaning.ASK_FIRST),
        (400, "STATEMENT_CREATING", Meaning.NOT_READY),
        (400, "NO_STATEMENT_EXIST", Meaning.NOTHING_THERE),
        (400, "INVALID_REQUEST", Meaning.FINAL),
        (403, "USER_ACCOUNT_ABNORMAL", Meaning.FINAL),
        (400, "SOMETHING_NEW", Meaning.FINAL),
    ],
)
def test_a_code_means_one_thing(status, code, meaning):
    assert meaning_of(status, code) is meaning


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
def test_the_kind_of_error_follows_from_the_meaning(code, meaning):
    error = of_answer(400, code, "")

    expected = {Meaning.ASK_FIRST: Ambiguous, Meaning.LATER: Busy}.get(meaning, Refused)
    assert type(error) is expected
