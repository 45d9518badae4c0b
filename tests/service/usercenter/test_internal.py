import jwt
import pytest
from tests.service.usercenter.conftest import APPID

from servicekit.testing import Tokens, called_by
from usercenter.endpoints.internal import CALLERS

PASSWORD = "correct horse"


@pytest.fixture
async def user(http, mobile) -> dict:
    answer = await http.post("/usercenter/v1/user/register", json={"mobile": mobile, "password": PASSWORD})
    headers = {"Authorization": "Bearer " + answer.json()["data"]["accessToken"]}
    return (await http.post("/usercenter/v1/user/detail", headers=headers)).json()["data"]["userInfo"]


async def ask(http, name: str, body: dict):
    callers = sorted(CALLERS[name]) or ["tests"]
    return await http.post(f"/internal/{name}", json=body, headers=called_by(callers[0]))


@pytest.fixture(autouse=True)
def _tests_may_call_methods_without_a_caller(monkeypatch):
    assert CALLERS["authByKey"] == set()
    monkeypatch.setitem(CALLERS, "authByKey", {"tests"})


async def test_peers_learn_who_a_user_is(http, user):
    answer = await ask(http, "userById", {"userId": user["id"]})
    expected = {name: user[name] for name in ("id", "mobile", "nickname", "sex", "avatar", "info")}
    assert (answer.status_code, answer.json()) == (200, expected | {"mobileProven": False})


async def test_peers_learn_whether_the_mobile_is_proven(http, user, sql):
    for proven_at, proven_by in ((None, None), ("now", "code"), ("now", "operator")):
        sql.execute(
            'update "user" set mobile_proven_at = %s::timestamptz, mobile_proven_by = %s where id = %s',
            [proven_at, proven_by, user["id"]],
        )
        answer = await ask(http, "userById", {"userId": user["id"]})
        assert answer.json()["mobileProven"] == (proven_by is not None)
    assert (await ask(http, "userById", {"userId": 2**62})).status_code == 404


async def test_several_users_come_in_one_question_and_unknown_ones_are_left_out(http, user):
    answer = await ask(http, "usersByIds", {"ids": [user["id"], 2**62, user["id"]]})
    assert [each["id"] for each in answer.json()["users"]] == [user["id"]]
    assert (await ask(http, "usersByIds", {"ids": []})).json() == {"users": []}


async def test_sign_ins_are_found_both_ways(http, user, wechat_user):
    expected = {"userId": user["id"], "authType": "system", "authKey": user["mobile"], "appid": ""}
    assert (await ask(http, "authByUser", {"userId": user["id"], "authType": "system"})).json() == expected
    assert (await ask(http, "authByKey", {"authType": "system", "authKey": user["mobile"]})).json() == expected

    guest = wechat_user(user["mobile"])
    assert (await ask(http, "authByUser", {"userId": user["id"], "authType": "wxMini"})).status_code == 404
    await http.post("/usercenter/v1/user/wxMiniAuth", json=guest.sign_in())
    openid = await ask(http, "authByUser", {"userId": user["id"], "authType": "wxMini"})
    assert openid.json() == {"userId": user["id"], "authType": "wxMini", "authKey": guest.openid, "appid": APPID}


async def test_openids_of_many_users_are_those_that_each_alone_has(http, user, wechat_user):
    guest = wechat_user(user["mobile"])
    body = {"userIds": [2**62, user["id"], user["id"]], "appid": APPID}
    assert (await ask(http, "openids", body)).json() == {"openids": []}
    await http.post("/usercenter/v1/user/wxMiniAuth", json=guest.sign_in())
    assert (await ask(http, "openids", body)).json() == {"openids": [{"userId": user["id"], "openid": guest.openid}]}
    assert (await ask(http, "openids", body | {"appid": "wx0000000000000000"})).json() == {"openids": []}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("userById", {"userId": 2**62}),
        ("authByUser", {"userId": 2**62, "authType": "system"}),
        ("authByKey", {"authType": "wxMini", "authKey": "unknown"}),
    ],
)
async def test_what_is_absent_is_a_404_problem(http, name, body):
    answer = await ask(http, name, body)
    assert (answer.status_code, answer.json()["code"]) == (404, 100102)


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("userById", {"userId": 2**63}, "userId"),
        ("userById", {"userId": 0}, "userId"),
        ("userById", {"userId": "1"}, "userId"),
        ("userById", {"userId": None}, "userId"),
        ("usersByIds", {"ids": [1] * 101}, "ids"),
        ("usersByIds", {"ids": [0]}, "ids.0"),
        ("authByUser", {"userId": 1, "authType": "qq"}, "authType"),
        ("authByKey", {"authType": "wxMini", "authKey": "\x00"}, "authKey"),
        ("openids", {"userIds": [1] * 501, "appid": APPID}, "userIds"),
        ("openids", {"userIds": [], "appid": APPID}, "userIds"),
        ("openids", {"userIds": [1], "appid": ""}, "appid"),
    ],
)
async def test_bad_questions_are_refused_by_field(http, name, body, field):
    answer = await ask(http, name, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    "name", ["jwks", "revocations", "userById", "usersByIds", "authByUser", "authByKey", "openids"]
)
async def test_only_the_sidecar_may_ask(http, name):
    method = "GET" if name in {"jwks", "revocations"} else "POST"
    answer = await http.request(method, f"/internal/{name}", json={"userId": 1}, headers=Tokens().bearer(1, "operator"))
    assert answer.status_code == 401


async def test_a_token_of_another_key_is_refused(http):
    answer = await http.post("/usercenter/v1/user/detail", headers=Tokens().bearer(1))
    assert answer.status_code == 401


async def test_the_keys_carry_their_thumbprint_and_nothing_private(http):
    keys = (await http.get("/internal/jwks", headers=called_by("travel"))).json()["keys"]
    assert len(keys) == 1
    assert keys[0].keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (keys[0]["kty"], keys[0]["crv"], keys[0]["alg"], keys[0]["use"]) == ("EC", "P-256", "ES256", "sig")
    assert jwt.PyJWK.from_dict(keys[0]).key_id == keys[0]["kid"]


async def test_no_method_issues_a_token_for_a_given_user(http, user):
    answer = await http.post("/internal/issueToken", json={"userId": user["id"]}, headers=called_by("travel"))
    assert answer.status_code == 404
    assert "accessToken" not in answer.text
