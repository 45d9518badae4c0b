"""The mini-program side: codes, tokens, messages, phone numbers (wechat-pay-v3.md §7)."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wechatsim.mini import message
from wechatsim.sim import Sim

from .conftest import OPENID, MerchantClient

RID = r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$"


async def get(merchant: MerchantClient, path: str, **query: str) -> dict[str, Any]:
    assert merchant.http is not None
    response = await merchant.http.get(f"http://sim{path}", params=query)
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


async def post(merchant: MerchantClient, path: str, content: Any) -> dict[str, Any]:
    assert merchant.http is not None
    response = await merchant.http.post(f"http://sim{path}", content=json.dumps(content))
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def login(merchant: MerchantClient, code: str, **changed: str) -> dict[str, str]:
    return {
        "appid": merchant.ids["appid"],
        "secret": merchant.ids["app_secret"],
        "js_code": code,
        "grant_type": "authorization_code",
    } | changed


async def token(merchant: MerchantClient, **changed: Any) -> dict[str, Any]:
    body = {
        "grant_type": "client_credential",
        "appid": merchant.ids["appid"],
        "secret": merchant.ids["app_secret"],
    }
    return await post(merchant, "/cgi-bin/stable_token", body | changed)


async def test_a_code_gives_the_session_once_and_decrypts_the_phone_number(merchant: MerchantClient) -> None:
    made = (await merchant.control("POST", "/_sim/code", {"openid": OPENID})).json()
    session = await get(merchant, "/sns/jscode2session", **login(merchant, made["code"]))
    assert session == {"session_key": made["session_key"], "openid": OPENID}
    key, iv = base64.b64decode(session["session_key"]), base64.b64decode(made["iv"])
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(base64.b64decode(made["encryptedData"])) + decryptor.finalize()
    phone = json.loads(plain[: -plain[-1]])
    assert (phone["purePhoneNumber"], phone["countryCode"]) == ("13800000001", "86")
    assert phone["watermark"]["appid"] == merchant.ids["appid"]
    again = await get(merchant, "/sns/jscode2session", **login(merchant, made["code"]))
    assert again["errcode"] == 40163
    assert re.fullmatch("code been used," + RID, again["errmsg"])


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"js_code": "no"}, 40029),
        ({"appid": "wx0"}, 40013),
        ({"secret": "no"}, 40125),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"js_code": ""}, 41008),
    ],
)
async def test_an_invalid_login_has_its_errcode_and_uses_up_no_code(
    merchant: MerchantClient, changed: dict[str, str], errcode: int
) -> None:
    made = (await merchant.control("POST", "/_sim/code", {"openid": OPENID})).json()
    refused = await get(merchant, "/sns/jscode2session", **login(merchant, made["code"], **changed))
    assert refused["errcode"] == errcode
    assert "openid" in await get(merchant, "/sns/jscode2session", **login(merchant, made["code"]))


async def test_a_code_is_valid_for_five_minutes(merchant: MerchantClient, sim: Sim) -> None:
    made = (await merchant.control("POST", "/_sim/code", {"openid": OPENID})).json()
    sim.clock.advance(301)
    assert (await get(merchant, "/sns/jscode2session", **login(merchant, made["code"])))["errcode"] == 40029


async def test_a_token_repeats_then_overlaps_then_expires(merchant: MerchantClient, sim: Sim) -> None:
    first = await token(merchant)
    assert first["expires_in"] == 7200
    assert (await token(merchant))["access_token"] == first["access_token"]
    sim.clock.advance(7200 - 299)
    second = await token(merchant)
    assert second["access_token"] != first["access_token"]
    path = "/wxa/business/getuserphonenumber?access_token="
    assert (await post(merchant, path + first["access_token"], {"code": "x"}))["errcode"] == 40029
    assert (await post(merchant, path + second["access_token"], {"code": "x"}))["errcode"] == 40029
    sim.clock.advance(300)
    assert (await post(merchant, path + first["access_token"], {"code": "x"}))["errcode"] == 42001
    assert (await post(merchant, path + "unknown", {"code": "x"}))["errcode"] == 40001


async def test_a_forced_token_invalidates_the_old_one_every_thirty_seconds_at_most(
    merchant: MerchantClient, sim: Sim
) -> None:
    first = await token(merchant)
    second = await token(merchant, force_refresh=True)
    path = "/wxa/business/getuserphonenumber?access_token="
    assert (await post(merchant, path + first["access_token"], {"code": "x"}))["errcode"] == 40001
    assert (await token(merchant, force_refresh=True))["errcode"] == 45011
    assert (await token(merchant))["access_token"] == second["access_token"]
    for _ in range(19):
        sim.clock.advance(31)
        assert "access_token" in await token(merchant, force_refresh=True)
    sim.clock.advance(31)
    assert (await token(merchant, force_refresh=True))["errcode"] == 45009


async def test_the_older_token_call_renews_at_once_and_keeps_stable_tokens_valid(
    merchant: MerchantClient, sim: Sim
) -> None:
    ids = merchant.ids
    asked = {"grant_type": "client_credential", "appid": ids["appid"], "secret": ids["app_secret"]}
    stable = (await token(merchant))["access_token"]
    first = await get(merchant, "/cgi-bin/token", **asked)
    second = await get(merchant, "/cgi-bin/token", **asked)
    assert (first["expires_in"], first["access_token"] != second["access_token"]) == (7200, True)
    path = "/wxa/business/getuserphonenumber?access_token="

    async def worth(access_token: str) -> int:
        return int((await post(merchant, path + access_token, {"code": "x"}))["errcode"])

    assert [await worth(one) for one in (first["access_token"], second["access_token"], stable)] == [40029] * 3
    sim.clock.advance(300)
    assert [await worth(one) for one in (first["access_token"], second["access_token"])] == [40001, 40029]
    sim.clock.advance(6900)
    assert await worth(second["access_token"]) == 42001
    refused = await get(merchant, "/cgi-bin/token", **asked | {"appid": "wx0", "grant_type": "x"})
    assert (refused["errcode"], refused["errmsg"].partition(" rid")[0]) == (40013, "invalid appid")
    assert (await get(merchant, "/cgi-bin/token", **asked | {"grant_type": "x"}))["errcode"] == 40002


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/cgi-bin/stable_token", (43002, "require POST method")),
        ("POST", "/sns/jscode2session", (43001, "require GET method,")),
    ],
)
async def test_a_wrong_method_returns_an_errcode(
    merchant: MerchantClient, method: str, path: str, refusal: tuple[int, str]
) -> None:
    assert merchant.http is not None
    response = await merchant.http.request(method, f"http://sim{path}")
    assert (response.status_code, response.json()["errcode"]) == (200, refusal[0])
    assert re.fullmatch(refusal[1] + RID, response.json()["errmsg"])


async def test_a_phone_code_gives_the_number_once(merchant: MerchantClient) -> None:
    made = (await merchant.control("POST", "/_sim/code", {"openid": OPENID})).json()
    path = f"/wxa/business/getuserphonenumber?access_token={(await token(merchant))['access_token']}"
    response = await post(merchant, path, {"code": made["phone_code"]})
    assert (response["errcode"], response["phone_info"]["phoneNumber"]) == (0, "13800000001")
    again = await post(merchant, path, {"code": made["phone_code"]})
    assert again["errcode"] == 40029
    assert re.fullmatch("invalid code" + RID, again["errmsg"])


def paid_message(merchant: MerchantClient, **changed: Any) -> dict[str, Any]:
    template = merchant.ids["templates"][0]["id"]
    values = {
        "character_string6": "HSO2026080112000012345678",
        "thing1": "山间小屋",
        "amount2": "199.00",
        "time4": "2026年8月1日",
        "time5": "2026-08-02 12:00",
    }
    data = {name: {"value": value} for name, value in (values | changed.pop("values", {})).items()}
    return {"touser": OPENID, "template_id": template, "page": "pages/order?sn=1", "data": data} | changed


async def test_one_payment_grants_one_message_per_template(merchant: MerchantClient) -> None:
    path = f"/cgi-bin/message/subscribe/send?access_token={(await token(merchant))['access_token']}"
    assert (await post(merchant, path, paid_message(merchant)))["errcode"] == 43101
    await merchant.prepay("MINI-00001")
    await merchant.pay("MINI-00001")
    assert await post(merchant, path, paid_message(merchant)) == {"errcode": 0, "errmsg": "ok"}
    assert (await post(merchant, path, paid_message(merchant)))["errcode"] == 43101
    (message,) = (await merchant.control("GET", f"/_sim/messages?openid={OPENID}")).json()["messages"]
    assert message["data"]["amount2"] == "199.00"
    assert message["title"] == "支付成功通知"


@pytest.mark.parametrize(
    ("fault", "errcode"),
    [
        ("message-bad-openid", 40003),
        ("message-bad-template", 40037),
        ("message-bad-page", 41030),
        ("message-bad-argument", 47003),
        ("message-quota", 45009),
    ],
)
async def test_a_message_is_rejected_by_a_fault_and_no_quota_is_used(
    merchant: MerchantClient, fault: str, errcode: int
) -> None:
    path = f"/cgi-bin/message/subscribe/send?access_token={(await token(merchant))['access_token']}"
    await merchant.prepay("MINI-00003")
    await merchant.pay("MINI-00003")
    await merchant.control("POST", "/_sim/faults/set", {"name": fault, "match": OPENID, "times": 1})
    assert (await post(merchant, path, paid_message(merchant)))["errcode"] == errcode
    assert await post(merchant, path, paid_message(merchant)) == {"errcode": 0, "errmsg": "ok"}


async def test_a_slow_message_is_delivered_and_its_response_is_late(merchant: MerchantClient) -> None:
    path = f"/cgi-bin/message/subscribe/send?access_token={(await token(merchant))['access_token']}"
    await merchant.prepay("MINI-00004")
    await merchant.pay("MINI-00004")
    await merchant.control("POST", "/_sim/faults/set", {"name": "message-slow", "value": 0.2, "times": 1})
    began = time.monotonic()
    assert (await post(merchant, path, paid_message(merchant)))["errcode"] == 0
    assert time.monotonic() - began >= 0.2


async def test_a_refund_message_needs_a_subscription_of_its_own(merchant: MerchantClient) -> None:
    path = f"/cgi-bin/message/subscribe/send?access_token={(await token(merchant))['access_token']}"
    template = next(each for each in merchant.ids["templates"] if each["title"] == "退款成功通知")
    values = ("HSO2026080112000012345678", "山间小屋", "¥199.00", "2026年8月1日 12:30", "已原路退回")
    data = {name: {"value": value} for name, value in zip(template["fields"], values, strict=True)}
    message = {"touser": OPENID, "template_id": template["id"], "data": data}
    await merchant.prepay("MINI-00002")
    await merchant.pay("MINI-00002")
    wrong = message | {"data": data | {"amount3": {"value": "一百"}}}
    assert (await post(merchant, path, wrong))["errmsg"].startswith("argument invalid! data.amount3.value invalid")
    assert (await post(merchant, path, message))["errcode"] == 0
    assert (await post(merchant, path, message))["errcode"] == 43101
    assert (await post(merchant, path, paid_message(merchant)))["errcode"] == 0


@pytest.mark.parametrize(
    ("changed", "errcode", "message"),
    [
        ({"touser": "\ud800"}, 47001, "data format error"),
        ({"touser": "oNobody"}, 40003, "invalid openid"),
        ({"template_id": "no"}, 40037, "invalid template_id"),
        ({"page": "页面"}, 41030, "invalid page"),
        ({"values": {"thing1": ""}}, 47003, "argument invalid! data.thing1.value is emtpy"),
        ({"values": {"thing1": "房" * 21}}, 47003, "argument invalid! data.thing1.value invalid"),
        ({"values": {"time4": "明天"}}, 47003, "argument invalid! data.time4.value invalid"),
        ({"values": {"character_string6": "订单"}}, 47003, "argument invalid! data.character_string6.value invalid"),
        ({"lang": "fr"}, 47003, "argument invalid! lang invalid"),
    ],
)
async def test_a_refused_message_uses_no_quota(
    merchant: MerchantClient, changed: dict[str, Any], errcode: int, message: str
) -> None:
    await merchant.control("POST", "/_sim/grant", {"openid": OPENID, "count": 1})
    path = f"/cgi-bin/message/subscribe/send?access_token={(await token(merchant))['access_token']}"
    refused = await post(merchant, path, paid_message(merchant, **changed))
    assert (refused["errcode"], refused["errmsg"].partition(" rid")[0]) == (errcode, message)
    assert (await merchant.control("GET", "/_sim/messages")).json() == {"messages": []}
    assert (await post(merchant, path, paid_message(merchant)))["errcode"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"touser": "\xed\xa0\x80"}',
        '{"touser": "\ud800"}'.encode("utf-16", "surrogatepass"),
        b'{"touser": "\\uD800"}',
    ],
)
async def test_a_lone_surrogate_is_refused_however_it_is_written(merchant: MerchantClient, body: bytes) -> None:
    assert merchant.http is not None
    response = await merchant.http.post(
        f"http://sim/cgi-bin/message/subscribe/send?access_token={(await token(merchant))['access_token']}",
        content=body,
    )
    assert response.json()["errcode"] == 47001


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("thing", ["房" * 20, "a b"], ["房" * 21, "a\nb", ""]),
        ("number", ["1", "-1.5"], ["1a", "1" * 33]),
        ("character_string", ["A7K2-9", "x" * 32], ["订单", "x" * 33]),
        ("time", ["12:30", "2026-08-01", "2026年8月1日 12:30:00", "12:00~13:00"], ["25:00", "soon"]),
        ("date", ["2026-08-01", "2026年08月01日", "2026-08-01 12:30"], ["2026-13-01", "12:30"]),
        ("amount", ["199.00", "¥199.00", "199元"], ["12345678901", "¥¥1", "免费"]),
        ("phone_number", ["+86-0755-88888888"], ["1" * 18]),
        ("phrase", ["已支付"], ["已支付成功了", "paid"]),
        ("name", ["王小明", "Ann Lee"], ["王" * 11, "x" * 21]),
        ("letter", ["abc"], ["a1"]),
        ("symbol", ["+-"], ["ab"]),
        ("car_number", ["粤A8Z888"], ["粤A8Z888888"]),
    ],
)
def test_field_types_are_validated(kind: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not message.fits(kind, value)] == []
    assert [value for value in bad if message.fits(kind, value)] == []
