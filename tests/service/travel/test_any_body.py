from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATHS = [
    "homestay/homestayList",
    "homestay/businessList",
    "homestay/guessList",
    "homestay/homestayDetail",
    "homestayBussiness/goodBoss",
    "homestayBussiness/homestayBussinessList",
    "homestayBussiness/homestayBussinessDetail",
    "homestayComment/commentList",
    "homestayComment/addComment",
]
NAMES = ["page", "pageSize", "lastId", "id", "homestayBusinessId", "homestayId", "orderSn", "content", "star"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(0, 12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), body=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=5) | ANYTHING)
async def test_no_body_whatever_is_an_error_of_ours_or_writes(http, sql, tokens, path, body):
    before = sql.execute("select count(*) from homestay_comment").fetchone()
    answer = await http.post(f"/travel/v1/{path}", json=body, headers=tokens.bearer(1))
    assert answer.status_code in {200, 404, 422, 503}, answer.text
    if answer.status_code == 503:  # no peer answers in this test
        assert answer.json()["code"] == 100106
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    assert sql.execute("select count(*) from homestay_comment").fetchone() == before
