"""Photos at the public door: fetched once, kept within a bound, and a version that browsers need not fetch again."""

import json

import httpx
import pytest

from gateway import main
from servicekit.testing import Tokens, client
from tests.service.gateway.conftest import Peers, settings

KEY, FILE = "0123456789abcdef" * 2, "/internal/photoFile"
HEADERS = {"content-type": "image/webp", "cache-control": "public, max-age=31536000, immutable", "etag": '"one"'}


@pytest.fixture
def changes() -> dict[str, object]:
    return {}


@pytest.fixture
async def peers(changes):
    peers = Peers()
    peers.answers["travel", FILE] = lambda _request: httpx.Response(200, content=b"webp" * 100, headers=HEADERS)
    async with client(main.create_app(settings(**changes), sidecar=peers)) as http:
        peers.http = http
        yield peers


def path(key=KEY, name="large.webp"):
    return f"/photos/{key}/{name}"


async def test_a_photo_is_fetched_once_and_may_be_kept_for_a_year(peers):
    answer = await peers.http.get(path())
    assert (answer.status_code, answer.content) == (200, b"webp" * 100)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await peers.http.get(path())).content == b"webp" * 100
    [asked] = peers.requests
    assert (asked.url.path, json.loads(asked.content)) == (FILE, {"key": KEY, "size": "large"})
    await peers.http.get(path(name="thumb.webp"))
    assert json.loads(peers.requests[1].content)["size"] == "thumb"


async def test_who_has_it_is_told_so(peers):
    answer = await peers.http.get(path(), headers={"If-None-Match": '"one"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"one"')
    assert answer.headers["cache-control"] == HEADERS["cache-control"]
    assert (await peers.http.get(path(), headers={"If-None-Match": '"two"'})).status_code == 200


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (KEY, "original.webp"),
        (KEY, "large.jpg"),
        (KEY, "large"),
        (KEY.upper(), "large.webp"),
        (KEY[:-1], "large.webp"),
        ("..%2f..", "large.webp"),
    ],
)
async def test_what_can_be_no_photo_is_not_asked_for(peers, key, name):
    assert (await peers.http.get(path(key, name))).status_code == 404
    assert peers.requests == []


async def test_an_unknown_photo_is_not_found_and_not_kept(peers):
    peers.answer("travel", FILE, {"code": 100365}, 404)
    absent = await peers.http.get(path())
    assert (absent.status_code, absent.json()["code"]) == (404, 100102)
    assert (await peers.http.get(path())).status_code == 404
    assert len(peers.requests) == 2


async def test_while_travel_is_down_it_is_unavailable_and_nothing_is_kept(peers):
    kept = peers.answers.pop(("travel", FILE))
    assert (await peers.http.get(path())).status_code == 503
    peers.answers["travel", FILE] = kept
    assert (await peers.http.get(path())).status_code == 200


@pytest.mark.parametrize("changes", [{"photo_cache_bytes": 64 * 1024}])
async def test_all_photos_together_have_a_bound(peers):
    peers.answers["travel", FILE] = lambda _request: httpx.Response(200, content=bytes(40_000), headers=HEADERS)
    first, second = path(), path("f" * 32)
    for each in (first, second, second):
        await peers.http.get(each)
    assert len(peers.requests) == 2
    await peers.http.get(first)  # it made room for the second
    assert len(peers.requests) == 3


async def test_an_upload_is_larger_than_other_requests_and_only_for_who_is_signed_in(peers):
    body = json.dumps({"homestayId": 1, "image": "A" * 1_000_000}).encode()
    refused = await peers.http.post("/travel/v1/host/addPhoto", content=body)
    assert refused.status_code == 401
    other = await peers.http.post("/travel/v1/host/orderPhotos", content=body)
    assert (other.status_code, other.json()["code"]) == (413, 100108)
    assert peers.requests == []

    tokens = Tokens()
    peers.answer("usercenter", "/internal/jwks", {"keys": [tokens.jwk]})
    peers.answer("usercenter", "/internal/revocations", {"users": []})
    peers.answer("travel", "/travel/v1/host/addPhoto", {"code": 200})
    taken = await peers.http.post("/travel/v1/host/addPhoto", content=body, headers=tokens.bearer(2, "merchant"))
    assert (taken.status_code, peers.requests[-1].content) == (200, body)
    assert (peers.requests[-1].url.host, peers.requests[-1].url.path) == ("travel", "/travel/v1/host/addPhoto")
