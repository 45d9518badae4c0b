"""Which of travel's responses others may share, and how a new version is told."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from gateway import main as gateway
from gateway.catalogue_cache import CatalogueCache
from gateway.settings import Settings
from servicekit.testing import APP_TOKEN, FakeSidecar, client

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


class ToTravel(FakeSidecar):
    """Carries every invocation to the travel of this process."""

    def __init__(self, travel: httpx.AsyncClient) -> None:
        super().__init__()
        self._travel = travel

    async def invoke(
        self,
        app_id: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx.Response:
        assert (app_id, json, timeout_seconds) == ("travel", None, None)
        return await self._travel.request(method, path, content=content, headers=headers)


async def test_through_the_gateway_a_change_is_seen_once_the_kept_response_has_ended(http, sql, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(gateway, "CatalogueCache", lambda **given: CatalogueCache(monotonic=lambda: now[0], **given))
    app = gateway.create_app(Settings(app_api_token=APP_TOKEN), sidecar=ToTravel(http))
    async with client(app) as door:

        async def price() -> float:
            answer = await door.post("/travel/v1/homestay/homestayDetail", json={"id": 4})
            return answer.json()["data"]["homestay"]["homestayPrice"]

        before = await price()
        sql.execute("update homestay set homestay_price_fen = homestay_price_fen + 100 where id = 4")
        try:
            now[0] = 4.9
            assert await price() == before
            now[0] = 5.1
            assert await price() == before + 1
        finally:
            sql.execute("update homestay set homestay_price_fen = homestay_price_fen - 100 where id = 4")


async def test_through_the_gateway_names_are_in_the_readers_language(http, sidecar):
    sidecar.answer("usercenter", "/internal/usersByIds", {"users": []})
    app = gateway.create_app(Settings(app_api_token=APP_TOKEN), sidecar=ToTravel(http))
    async with client(app) as door:
        path, names = "/travel/v1/homestayBussiness/goodBoss", {}
        for language in ("zh-CN", "en", "zh-TW", "en-GB"):
            answer = await door.post(path, json={}, headers={"Accept-Language": language})
            names[language] = answer.json()["data"]["list"][0]["nickname"]
    assert names["zh-CN"] == names["zh-TW"] != names["en"] == names["en-GB"]
