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
        "contact",
        "idNo",
        "guestIdNumber",
        "identityCard",
    ],
)
def test_members_that_are_personal_or_secret_are_masked_at_any_depth(name):
    event = {"data": {"orderSn": "HSO1", "lines": [{name: "x", "fen": 5}, {name: ["y", {"inner": 1}]}]}}
    assert json.loads(redacted(json.dumps(event))) == {
        "data": {"orderSn": "HSO1", "lines": [{name: MASK, "fen": 5}, {name: [MASK, {"inner": MASK}]}]}
    }


def test_all_that_a_personal_member_holds_is_masked():
    event = {"payer": {"id": "oABC", "none": None}, "address": {"line": "x", "city": {"errcode": 5}}, "orderSn": "HSO1"}
    assert json.loads(redacted(json.dumps(event))) == {
        "payer": {"id": MASK, "none": None},
        "address": {"line": MASK, "city": {"errcode": MASK}},
        "orderSn": "HSO1",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (13800138000, "138****8000"),
        ("guest 11010119900307123X", f"guest {MASK}"),
        ("110101199003071234", MASK),
        (110101199003071234, MASK),
        ("of oUpF8uMuAJO_M2pxb1Q9zNjWeS6o.", f"of {MASK}."),
    ],
)
def test_what_looks_personal_is_masked_under_any_name(value, shown):
    assert json.loads(redacted(json.dumps({"reason": value}))) == {"reason": shown}


@pytest.mark.parametrize(
    "value", [12345, 0.5, 1764403200, "order-refund-requested-topic", "4200001234202611290123456789"]
)
def test_what_looks_like_nothing_personal_stays(value):
    assert json.loads(redacted(json.dumps({"reason": value}))) == {"reason": value}


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
