"""Whatever a peer answers that is no answer is the same everywhere: PeerUnavailable, 503, to be tried again."""

import httpx
import pytest

import notification.peers
import order.peers
import payment.peers
from servicekit.auth import TokenVerifier, jwks_by_invocation
from servicekit.errors import PeerUnavailable
from servicekit.testing import Tokens
from tests.support.calls_in_code import asked
from tests.support.peer_calls import APPID, CALLS, OTHER, SN, STAY, sidecar_with
from tests.support.services import APPS

JSON = {"content-type": "application/json"}


MALFORMED = {
    "no body": httpx.Response(200),
    "204": httpx.Response(204),
    "text": httpx.Response(200, text="<html>"),
    "half of it": httpx.Response(200, headers=JSON, content=b'{"orderSn": "HSO20'),
    "not UTF-8": httpx.Response(200, headers=JSON, content=b'{"sn": "\xff"}'),
    "null": httpx.Response(200, headers=JSON, content=b"null"),
    "a number": httpx.Response(200, json=7),
    "a list": httpx.Response(200, json=[]),
    "an empty object": httpx.Response(200, json={}),
    "other types": httpx.Response(
        200, json={"list": 1, "users": [{"id": "x"}], "keys": [1], "authKey": 5, "outcome": 1, "sn": 1}
    ),
    "deep": httpx.Response(200, headers=JSON, content=b"[" * 100_000 + b"]" * 100_000),
    "deep refusal": httpx.Response(500, headers=JSON, content=b"[" * 100_000 + b"]" * 100_000),
    "redirect": httpx.Response(302, headers={"location": "/"}),
    "401": httpx.Response(401, json={"code": 100003}),
    "403": httpx.Response(403, json={"code": 100101}),
    "409": httpx.Response(409, json={"code": 100103}),
    "422": httpx.Response(422, json={"code": 100002}),
    "500": httpx.Response(500, text="Internal Server Error"),
    "503": httpx.Response(503, json={"code": 100105}),
}


def test_every_call_in_the_code_is_tried() -> None:
    in_the_code = {
        (caller, callee, path.removeprefix("/internal/")) for name in APPS for caller, callee, path in asked(name)
    }

    assert {call for call in CALLS if call[0] != "servicekit"} == in_the_code


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("call", CALLS.values(), ids=[" ".join(call) for call in CALLS])
async def test_a_malformed_answer_is_a_peer_that_is_away(call, answer):
    with pytest.raises(PeerUnavailable) as refused:
        await call(sidecar_with(answer))
    assert refused.value.status == 503
    assert refused.value.retry_after == 1


PAYABLE = {
    "orderSn": SN, "userId": 1, "totalFen": 100, "payable": True, "closeAt": "2026-11-23T10:00:00Z", "title": "t",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"totalFen": -1}, {"totalFen": 2**63}, {"totalFen": 1.5}, {"userId": 0}, {"title": "a\x00b"},
        {"closeAt": "2026-11-23T10:00:00"}, {"payable": None}, {"traceparent": 7}, {"tracestate": "a\x00b"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_value_that_our_tables_could_not_hold_is_no_answer(wrong):
    with pytest.raises(PeerUnavailable, match=f"cannot be read: {next(iter(wrong))}"):
        await payment.peers.OrderPeer(sidecar=sidecar_with(httpx.Response(200, json=PAYABLE | wrong))).payable(SN)


@pytest.mark.parametrize("bad", [None, 7, [], {}, {"sn": [OTHER]}, {"sn": OTHER}, {"sn": OTHER, "title": "t"}], ids=str)
async def test_an_order_that_cannot_be_read_harms_no_other_of_its_batch(bad):
    readable = {
        "sn": SN, "userId": 1, "homestayUserId": 2, "title": "t", "tradeState": 1, "tradeCode": "K7MP3WXR",
        "totalFen": 1, "liveStartDate": "2026-12-01", "liveEndDate": "2026-12-03",
    }  # fmt: skip
    sidecar = sidecar_with(httpx.Response(200, json={"orders": [bad, readable]}))
    found = await notification.peers.OrderPeer(sidecar=sidecar).orders([SN, OTHER])
    assert isinstance(found[SN], notification.peers.OrderDetail)
    assert isinstance(found[OTHER], PeerUnavailable)


async def test_what_was_said_is_not_repeated():
    with pytest.raises(PeerUnavailable) as refused:
        sidecar = sidecar_with(httpx.Response(200, json={"authKey": ["oSecret"]}))
        await notification.peers.UserPeer(sidecar=sidecar, appid=APPID).openid(1)
    assert "oSecret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("said", "passed"), [("7", 7), ("0", 1), ("3600", 60), ("soon", 1), ("٣", 1)])
async def test_the_peers_pause_is_passed_on_within_a_minute(said, passed):
    answer = httpx.Response(503, headers=[(b"retry-after", said.encode())])
    with pytest.raises(PeerUnavailable) as refused:
        await order.peers.TravelPeer(sidecar=sidecar_with(answer)).homestay(1, STAY)
    assert refused.value.retry_after == passed


@pytest.mark.parametrize(
    "keys", [[{"kid": "k", "kty": "EC"}], [{"kid": "k", "kty": "EC", "crv": "P-256", "x": "!", "y": "!"}]]
)
async def test_keys_that_are_none_leave_the_verifier_without_keys(keys):
    verifier = TokenVerifier(jwks_by_invocation(sidecar_with(httpx.Response(200, json={"keys": keys}))))
    with pytest.raises(PeerUnavailable, match="no keys yet"):
        await verifier.principal(Tokens().bearer(1)["Authorization"])


async def test_usercenters_own_keys_are_read():
    tokens = Tokens()
    verifier = TokenVerifier(jwks_by_invocation(sidecar_with(httpx.Response(200, json={"keys": [tokens.jwk]}))))
    assert (await verifier.principal(tokens.bearer(7)["Authorization"])).user_id == 7
