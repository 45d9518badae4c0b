"""Any input is refused with WeChat's error format: never a 500, never a changed row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import MerchantClient

_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # with lone surrogates and NUL
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["appid", "mchid", "description", "out_trade_no", "notify_url", "amount", "payer", "time_expire", "detail"]
_quiet = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@_quiet
@given(name=st.sampled_from(NAMES), value=ANY)
async def test_any_value_in_any_member_is_accepted_or_refused_without_a_crash(
    merchant: MerchantClient, name: str, value: Any
) -> None:
    content = merchant.order("FUZZ-00001") | {name: value}
    response = await merchant.send("POST", "/v3/pay/transactions/jsapi", content)
    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert set(response.json()) <= {"code", "message", "detail"}


@_quiet
@given(body=st.binary(max_size=200))
@pytest.mark.parametrize("target", ["/v3/pay/transactions/jsapi", "/v3/refund/domestic/refunds"])
async def test_any_bytes_as_a_body_change_nothing(merchant: MerchantClient, target: str, body: bytes) -> None:
    response = await merchant.send("POST", target, body)
    assert (response.status_code, response.json()["code"]) == (400, "PARAM_ERROR")
    assert (await merchant.control("GET", "/_sim/books")).json() == {"books": []}


@_quiet
@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120))
async def test_any_authorization_is_refused_with_a_documented_error(merchant: MerchantClient, header: str) -> None:
    response = await merchant.send("GET", "/v3/certificates", Authorization=f"WECHATPAY2-SHA256-RSA2048 {header}")
    assert response.status_code in {400, 401}
    assert set(json.loads(response.content)) <= {"code", "message", "detail"}


async def test_a_number_that_cannot_be_ordered_cannot_be_closed(merchant: MerchantClient) -> None:
    response = await merchant.send(
        "POST", "/v3/pay/transactions/out-trade-no/A%20B/close", {"mchid": merchant.ids["mchid"]}
    )
    assert (response.status_code, response.json()["code"]) == (400, "PARAM_ERROR")
