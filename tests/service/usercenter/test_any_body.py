from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicekit.testing import called_by

USER = ("register", "login", "sendMobileCode", "wxMiniAuth", "detail", "refreshToken")
USER += ("logout", "sessionList", "sessionEnd", "changePassword")
USER += ("reauthenticate", "totpEnrol", "totpConfirm")
PATHS = [f"/usercenter/v1/user/{name}" for name in USER] + [
    f"/internal/{name}" for name in ("userById", "usersByIds", "authByUser", "authByKey")
]
NAMES = [
    "mobile",
    "password",
    "code",
    "iv",
    "encryptedData",
    "userId",
    "ids",
    "authType",
    "authKey",
    "totpCode",
    "refreshToken",
    "id",
    "oldPassword",
    "newPassword",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["system", "wxMini", "o1", "A" * 22 + "==", "QUJD"])
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), body=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=5) | ANYTHING)
async def test_no_body_whatever_is_an_error_of_ours_or_writes(http, sql, wechat, sidecar, path, body):
    sidecar.bindings_are_away = True
    wechat.get("/sns/jscode2session").respond(json={"errcode": 40029, "errmsg": "invalid code"})
    before = sql.execute('select (select count(*) from "user"), (select count(*) from user_auth)').fetchone()
    answer = await http.post(path, json=body, headers=called_by("travel"))
    assert answer.status_code in {200, 401, 403, 404, 422, 503}, answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    assert sql.execute('select (select count(*) from "user"), (select count(*) from user_auth)').fetchone() == before
