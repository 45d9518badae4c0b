"""The callback: WeChat's verified result settles once; anything else changes nothing."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payment.ledger.payments import COMPARED_FIELDS, MERCHANT_FIELDS
from tests.service.payment.support import CALLBACK, ORDER, payable


@pytest.fixture
async def paid(service):
    """An order's payment that WeChat holds the money of, and we do not know yet."""
    return await service.paid()


async def test_a_callback_settles_the_payment_and_leaves_the_orders_event(service, wechat, paid):
    answer = await service.deliver(*wechat.notification(paid))

    assert (answer.status_code, answer.content) == (204, b"")
    [row] = await service.payments()
    assert (row["pay_status"], row["version"], row["trade_state"]) == (1, 2, "SUCCESS")
    assert row["pay_time"] == wechat.paid_at(paid)
    [transition] = await service.rows("payment_transition")
    assert (transition["seq"], transition["from_status"], transition["to_status"]) == (2, 0, 1)
    [event] = await service.rows("outbox")
    assert (event["topic"], event["partition_key"]) == ("payment-update-paystatus-topic", ORDER)
    assert event["event"]["data"] == {
        "orderSn": ORDER,
        "paymentSn": paid,
        "payStatus": 1,
        "serviceType": "homestayOrder",
        "totalFen": 19900,
        "refundedFen": 0,
        "payTime": f"{wechat.paid_at(paid):%Y-%m-%dT%H:%M:%SZ}",
        "version": 2,
    }


async def test_twenty_copies_at_once_settle_once(service, wechat, paid):
    copies = [wechat.notification(paid) for _ in range(10)]

    answers = await asyncio.gather(*(service.deliver(*copy) for copy in copies * 2))

    assert {answer.status_code for answer in answers} == {204}
    assert len(await service.rows("payment_transition")) == 1
    assert len(await service.rows("outbox")) == 1


MISFITS = [
    ({"mchid": "1900000999"}, "mchid"),
    ({"appid": "wx0000000000000000"}, "appid"),
    ({"out_trade_no": "PMT2026112309310000000000"}, "unknown_number"),
    ({"amount": {"total": 19899, "payer_total": 19900}}, "amount"),
    ({"amount": {"payer_total": 19900, "currency": "CNY"}}, "amount"),
    (
        {"amount": {"total": 19900, "payer_total": 19900, "currency": "USD", "payer_currency": "USD"}},
        "currency",
    ),
    ({"amount": {"total": 19900, "payer_total": 19900, "currency": "cny"}}, "currency"),
    (
        {"amount": {"total": 19900, "payer_total": 19900, "currency": "CNY", "payer_currency": "USD"}},
        "payer_currency",
    ),
    ({"trade_type": "NATIVE"}, "trade_type"),
    ({"payer": {"openid": "oAnother"}}, "openid"),
    ({"attach": "HSO2026112309302600000000"}, "attach"),
    ({"transaction_id": None}, "incomplete"),
    ({"success_time": None}, "incomplete"),
    ({"mchid": "1900000001\x00"}, "mchid"),
    ({"appid": "wx\x00\ud800"}, "appid"),
    ({"out_trade_no": "PMT\udfff\x00"}, "unknown_number"),
]


@pytest.mark.parametrize(("changes", "reason"), MISFITS)
async def test_a_verified_callback_that_does_not_fit_is_kept_for_review_and_changes_nothing(
    service, wechat, paid, changes, reason
):
    before = await service.payments()

    for _ in range(3):
        answer = await service.deliver(*wechat.callback(wechat.transaction(paid, **changes)))
        assert answer.status_code == 204

    assert await service.payments() == before
    [notice] = await service.rows("provider_notice")
    assert (notice["reason"], notice["state"], notice["seen"]) == (reason, "needs_review", 3)
    assert await service.rows("payment_transition") == []
    assert await service.rows("outbox") == []


def test_every_compared_field_has_its_misfit_above():
    of_settled_payments_alone = {"transaction"}
    tried = {reason for _, reason in MISFITS} | of_settled_payments_alone

    assert {each.reason for each in (*MERCHANT_FIELDS, *COMPARED_FIELDS)} <= tried


async def test_another_transaction_of_a_settled_payment_is_kept_for_review(service, wechat, paid):
    await service.deliver(*wechat.notification(paid))
    before = await service.payments()

    answer = await service.deliver(*wechat.callback(wechat.transaction(paid, transaction_id="4200" + "7" * 24)))

    assert (answer.status_code, await service.payments()) == (204, before)
    assert [row["reason"] for row in await service.rows("provider_notice")] == ["transaction"]
    assert len(await service.rows("outbox")) == 1


async def test_a_transaction_that_settled_one_payment_cannot_settle_another(service, wechat, paid, sidecar):
    await service.deliver(*wechat.notification(paid))
    other_order = "HSO2026112309302687654321"
    sidecar.answer("order", "/internal/payable", payable(orderSn=other_order))
    other = await service.paid(orderSn=other_order)

    same = wechat.transaction(other, transaction_id=wechat.transaction(paid)["transaction_id"])
    answer = await service.deliver(*wechat.callback(same))

    assert answer.status_code == 204
    assert [(row["sn"], row["pay_status"]) for row in await service.payments()] == [(paid, 1), (other, 0)]
    assert [(row["out_trade_no"], row["reason"]) for row in await service.rows("provider_notice")] == [
        (other, "transaction")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": 19900}},
        {"amount": {"total": 19900, "payer_total": 0, "currency": "CNY", "payer_currency": "CNY"}},
        {"trade_type": None, "payer": {}, "attach": ""},
        {"attach": ORDER},
    ],
)
async def test_what_wechat_leaves_out_or_says_rightly_contradicts_nothing(service, wechat, paid, changes):
    answer = await service.deliver(*wechat.callback(wechat.transaction(paid, **changes)))

    assert answer.status_code == 204
    assert [row["pay_status"] for row in await service.payments()] == [1]
    assert await service.rows("provider_notice") == []


async def test_a_query_is_compared_like_a_callback(service, wechat, paid):
    wechat.shows(paid, amount={"total": 19900, "currency": "USD"})
    service.clock.pass_by(seconds=31)

    await service.job("query-open")

    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert [(row["reason"], row["source"]) for row in await service.rows("provider_notice")] == [("currency", "query")]


UNSTORABLE = ["a\x00b", "\ud800", "\udfff" * 3]
WITH_TEXT = ["mchid", "appid", "out_trade_no", "transaction_id", "bank_type", "trade_type", "attach", "currency"]


def saying(member, text_):
    return {"amount": {"total": 19900, member: text_}} if member == "currency" else {member: text_}


@pytest.mark.parametrize("member", WITH_TEXT)
async def test_signed_text_that_is_too_long_is_refused(service, wechat, paid, member):
    answer = await service.deliver(*wechat.callback(wechat.transaction(paid, **saying(member, "x" * 200))))

    assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert await service.rows("provider_notice") == []


@pytest.mark.parametrize("text_", UNSTORABLE)
@pytest.mark.parametrize("member", ["mchid", "appid", "out_trade_no", "trade_type", "attach", "currency"])
async def test_signed_text_that_no_column_can_hold_is_kept_for_review(service, wechat, paid, member, text_):
    answer = await service.deliver(*wechat.callback(wechat.transaction(paid, **saying(member, text_))))

    assert answer.status_code == 204
    assert [row["pay_status"] for row in await service.payments()] == [0]
    reason = "unknown_number" if member == "out_trade_no" else member
    assert [row["reason"] for row in await service.rows("provider_notice")] == [reason]


@pytest.mark.parametrize("text_", UNSTORABLE)
@pytest.mark.parametrize("member", ["transaction_id", "bank_type"])
async def test_signed_text_that_is_only_written_down_is_written_with_escapes(service, wechat, paid, member, text_):
    answer = await service.deliver(*wechat.callback(wechat.transaction(paid, **saying(member, text_))))

    assert answer.status_code == 204
    [payment] = await service.payments()
    escaped = "".join(f"\\u{ord(each):04x}" if each == "\x00" or each >= "\ud800" else each for each in text_)
    assert (payment["pay_status"], payment[member]) == (1, escaped)
    assert await service.rows("provider_notice") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"},
        {"Wechatpay-Signature": "QUJD"},
        {"Wechatpay-Serial": "PUB_KEY_ID_0999"},
        {"Wechatpay-Nonce": "another"},
        {"Wechatpay-Timestamp": "never"},
        {"Wechatpay-Timestamp": "9" * 300},
        {"Wechatpay-Signature": ""},
    ],
)
async def test_what_is_not_signed_by_wechat_is_refused_without_a_row(service, wechat, paid, wrong):
    before = await service.payments()

    answer = await service.deliver(*wechat.notification(paid, **wrong))

    assert answer.status_code == 401
    assert answer.json()["code"] == "FAIL"
    assert await service.payments() == before
    assert await service.rows("provider_notice") == []


@pytest.mark.parametrize("age", [-301, 301])
async def test_a_callback_outside_the_five_minutes_is_refused(service, wechat, paid, age):
    service.clock.stop()
    answer = await service.deliver(*wechat.callback(wechat.transaction(paid), at=service.clock().timestamp() + age))

    assert answer.status_code == 401
    assert [row["pay_status"] for row in await service.payments()] == [0]


async def test_a_changed_byte_in_the_body_is_refused(service, wechat, paid):
    headers, body = wechat.notification(paid)

    answer = await service.deliver(headers, body.replace(b"SUCCESS", b"SUCCESs", 1))

    assert answer.status_code == 401
    assert [row["pay_status"] for row in await service.payments()] == [0]


@pytest.mark.parametrize("content", [None, [], "text", {}, {"mchid": 1}, {"out_trade_no": "a\x00b"}])
async def test_signed_content_that_is_no_transaction_is_refused_and_changes_nothing(service, wechat, paid, content):
    answer = await service.deliver(*wechat.callback(content))

    assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
    assert [row["pay_status"] for row in await service.payments()] == [0]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": 2**63}},
        {"amount": {"total": -(2**63) - 1}},
        {"success_time": "9999-12-31T23:59:59-23:59"},
        {"success_time": "0001-01-01T00:00:00+23:59"},
    ],
)
async def test_signed_numbers_and_times_beyond_what_can_be_kept_are_refused(service, wechat, paid, changes):
    answer = await service.deliver(*wechat.callback(wechat.transaction(paid, **changes)))

    assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
    assert [row["pay_status"] for row in await service.payments()] == [0]


@pytest.mark.parametrize("plaintext", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b""])
async def test_sealed_content_that_is_no_json_is_refused(service, wechat, paid, plaintext):
    answer = await service.deliver(*wechat.callback(plaintext))

    assert (answer.status_code, answer.json()["code"]) == (401, "FAIL")
    assert [row["pay_status"] for row in await service.payments()] == [0]


@pytest.mark.parametrize(("kept", "cut"), [(False, 0), (False, 3), (True, 0), (False, 325)])
async def test_a_probe_is_refused_and_the_signature_that_follows_settles(service, wechat, paid, kept, cut):
    """SIGNTEST probes: of a signature's length, with its end cut off (no base64), before a whole one, the prefix alone."""
    headers, body = wechat.notification(paid)
    true = headers["Wechatpay-Signature"]
    probe = "WECHATPAY/SIGNTEST/" + (true if kept else true[19:])
    answer = await service.deliver(headers | {"Wechatpay-Signature": probe[: len(probe) - cut]}, body)
    assert (answer.status_code, answer.json()["code"]) == (401, "FAIL")
    assert [row["pay_status"] for row in await service.payments()] == [0]

    assert (await service.deliver(headers, body)).status_code == 204

    assert [row["pay_status"] for row in await service.payments()] == [1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=400)
    | st.text(max_size=200).map(str.encode)
    | st.text(max_size=80).map(lambda text: text.encode("utf-16", "surrogatepass"))
    | st.from_type(int).map(lambda n: json.dumps(n).encode()),
    headers=st.dictionaries(
        st.sampled_from(["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial"]),
        st.binary(max_size=60).filter(lambda value: not set(value) & {0, 10, 13}),
    ),
    kind=st.sampled_from([b"application/json", b"text/plain; charset=gb18030", b"\xff"]),
    path=st.sampled_from([CALLBACK, CALLBACK.replace("WxPay", "WxRefund")]),
    signed=st.booleans(),
)
async def test_no_garbage_makes_a_500_or_changes_a_row(service, wechat, body, headers, kind, path, signed):
    sent = wechat.signature_headers(body) if signed else headers
    raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in sent.items()]

    answer = await service.http.post(path, content=body, headers=[*raw, (b"Content-Type", kind)])

    assert answer.status_code in {400, 401}
    assert await service.rows("payment_transition") == []
    assert await service.rows("provider_notice") == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["mchid", "appid", "out_trade_no", "out_refund_no", "refund_id", "refund_status", "transaction_id", "amount"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=JSON_VALUES | st.dictionaries(st.sampled_from(MEMBERS), JSON_VALUES, max_size=8),
    event=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.CLOSED", "SOMETHING.NEW", ""]),
)
async def test_no_signed_content_makes_a_500_or_moves_money(service, wechat, content, event):
    headers, body = wechat.callback(content, event=event)

    answer = await service.deliver(headers, body)

    assert answer.status_code in {204, 400}
    assert await service.rows("payment_transition") == []
    assert await service.rows("refund_transition") == []


async def test_a_lost_callback_is_made_good_by_asking(service, paid):
    service.clock.pass_by(seconds=31)

    answer = await service.job("query-open")

    assert answer.json() == {"claimed": 1}
    assert [row["pay_status"] for row in await service.payments()] == [1]
    [transition] = await service.rows("payment_transition")
    assert transition["source"] == "query"


async def test_only_the_sidecar_may_trigger_a_job(service):
    assert (await service.http.post("/jobs/payment-query-open")).status_code == 401
