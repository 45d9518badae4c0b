"""Which of travel's responses others may share, and how a new version is told."""

import pytest

CATALOGUE = [
    ("homestay/homestayList", {"page": 1, "pageSize": 3}),
    ("homestay/businessList", {"homestayBusinessId": 1}),
    ("homestay/guessList", {}),
    ("homestay/homestayDetail", {"id": 7}),
    ("homestayBussiness/goodBoss", {}),
    ("homestayBussiness/homestayBussinessList", {}),
    ("homestayBussiness/homestayBussinessDetail", {"id": 1}),
]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(("path", "body"), CATALOGUE)
async def test_a_catalogue_response_may_be_shared_for_seconds_and_names_its_version(http, path, body):
    one, two = [await http.post(f"/travel/v1/{path}", json=body) for _ in range(2)]
    assert (one.status_code, one.headers["cache-control"]) == (200, "public, max-age=5")
    assert one.headers["vary"] == "Accept-Language"
    assert one.headers["etag"] == two.headers["etag"]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(("path", "body"), CATALOGUE)
async def test_a_token_does_not_change_a_catalogue_response(http, tokens, path, body):
    plain = await http.post(f"/travel/v1/{path}", json=body)
    signed_in = await http.post(f"/travel/v1/{path}", json=body, headers=tokens.bearer(1, "operator"))
    assert (plain.status_code, plain.content) == (200, signed_in.content)


async def test_a_changed_homestay_has_another_version(http, sql):
    before = await http.post("/travel/v1/homestay/homestayDetail", json={"id": 5})
    sql.execute("update homestay set info = info || '。' where id = 5")
    after = await http.post("/travel/v1/homestay/homestayDetail", json={"id": 5})
    assert before.headers["etag"] != after.headers["etag"]


@pytest.mark.usefixtures("people")
async def test_refusals_and_comments_may_not_be_shared(http):
    for path, body in (
        ("homestay/homestayDetail", {"id": 999}),
        ("homestay/homestayList", {"page": -1}),
        ("homestayComment/commentList", {}),
    ):
        assert "cache-control" not in (await http.post(f"/travel/v1/{path}", json=body)).headers
