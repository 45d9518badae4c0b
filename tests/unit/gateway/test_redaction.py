"""What a page of the console quotes of an event or a notice holds nothing personal."""

import json

import pytest

from gateway.console.redaction import LONGEST, MASK, redacted


@pytest.mark.parametrize(
    "name",
    [
        "openid",
        "payerOpenid",
        "contactMobile",
        "phone",
        "userName",
        "realName",
        "bankAccount",
        "tradeCode",
        "accessToken",
        "apiv3Key",
        "ciphertext",
    ],
)
def test_members_that_are_personal_or_secret_are_masked_at_any_depth(name):
    event = {"data": {"orderSn": "HSO1", "lines": [{name: "x", "fen": 5}, {name: ["y", {"inner": 1}]}]}}
    assert json.loads(redacted(json.dumps(event))) == {
        "data": {"orderSn": "HSO1", "lines": [{name: MASK, "fen": 5}, {name: [MASK, {"inner": 1}]}]}
    }


def test_what_tells_where_an_event_went_stays():
    event = {"source": "minsu/order", "data": {"payStatus": 1, "paid": True, "none": None, "errcode": 43101}}
    assert json.loads(redacted(json.dumps(event))) == event


def test_a_number_of_an_order_stays_and_a_mobile_in_a_text_does_not():
    text = "HSO2026112309302613812345678 guest 13812345678 called"
    assert json.loads(redacted(json.dumps({"reason": text}))) == {
        "reason": "HSO2026112309302613812345678 guest 138****5678 called"
    }
    assert redacted(f"no json {text}") == "no json HSO2026112309302613812345678 guest 138****5678 called"


def test_a_long_text_is_cut():
    assert redacted("x" * (LONGEST + 1)) == "x" * LONGEST + "…"


def test_a_text_that_is_nested_without_end_is_shown_as_text():
    assert redacted("[" * 100_000).startswith("[[[")
