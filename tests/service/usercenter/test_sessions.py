"""A session's life: opened by a sign-in, carried by its tokens."""

import httpx
import jwt

from servicekit.clock import unix

REGISTER, LOGIN, WECHAT = (f"/usercenter/v1/user/{name}" for name in ("register", "login", "wxMiniAuth"))
PASSWORD = "correct horse"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"}


def claims_of(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()["data"]["accessToken"], options={"verify_signature": False})


async def test_each_sign_in_is_a_session_of_its_own_that_its_token_names(http, sql, mobile, clock, wechat_user):
    body = {"mobile": mobile, "password": PASSWORD}
    first = claims_of(await http.post(REGISTER, json=body, headers=FIREFOX))
    second = claims_of(await http.post(LOGIN, json=body))
    third = claims_of(await http.post(WECHAT, json=wechat_user(mobile).sign_in()))

    rows = sql.execute(
        "select id::text, generation, amr, device, started_at = authenticated_at, started_at = last_used_at,"
        " extract(epoch from authenticated_at) from user_session where user_id = %s order by id",
        [first["sub"]],
    ).fetchall()
    assert [row[:6] for row in rows] == [
        (first["sid"], 0, ["pwd"], "Firefox, Linux", True, True),
        (second["sid"], 0, ["pwd"], "python-httpx/0.28.1", True, True),
        (third["sid"], 1, ["wechat"], "python-httpx/0.28.1", True, True),
    ]
    for row, claims in zip(rows, (first, second, third), strict=True):
        assert claims["auth_time"] == int(row[6])
        assert abs(claims["auth_time"] - unix(clock())) < 60
        assert (claims["amr"], claims["gen"]) == (row[2], row[1])
