"""Photos: added, ordered and removed by their host alone; no shown photo lacks its file, no file stays without a row."""

import asyncio
import base64
import io
import json
from datetime import timedelta

import httpx
import pytest
from PIL import Image

from servicekit.clock import utc_now
from servicekit.errors import PeerUnavailable
from servicekit.testing import SIDECAR_HEADERS, called_by

HOST, OTHER_HOST, HOMESTAY = 2, 3, 1


def image(colour: str = "red", size: tuple[int, int] = (32, 24)) -> str:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return base64.b64encode(out.getvalue()).decode()


class Desk:
    """A host's calls."""

    def __init__(self, http, tokens, user_id=HOST, *roles):
        self.http, self.headers = http, tokens.bearer(user_id, *(roles or ("buyer", "merchant")))

    async def call(self, name, **body):
        key = {"Idempotency-Key": body.pop("key")} if "key" in body else {}
        return await self.http.post(f"/travel/v1/host/{name}", json=body, headers={**self.headers, **key})

    async def photos(self, name, **body):
        answer = await self.call(name, homestayId=HOMESTAY, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["photos"]

    async def add(self, colour="red", **more):
        return await self.photos("addPhoto", image=image(colour), **more)


@pytest.fixture
def desk(http, tokens):
    return Desk(http, tokens)


@pytest.fixture(autouse=True)
def no_photos(sql):
    """Seeds are not emptied between tests here: each leaves the homestay as it was."""
    yield
    sql.execute("delete from homestay_photo")
    sql.execute("update homestay set banner = '/static/homestays/' || id || '.svg'")


def rows(sql):
    return sql.execute("select homestay_id, key, state, place from homestay_photo order by id").fetchall()


async def shown(http):
    answer = await http.post("/travel/v1/homestay/homestayDetail", json={"id": HOMESTAY})
    homestay = answer.json()["data"]["homestay"]
    return homestay["photos"], homestay["banner"]


async def test_a_photo_is_shown_with_its_files_and_in_the_banner(desk, http, sql, sidecar):
    assert await shown(http) == ([], "/static/homestays/1.svg")
    [photo] = await desk.add()
    [(homestay_id, key, state, place)] = rows(sql)
    assert (homestay_id, state, place) == (HOMESTAY, "stored", 1)
    assert photo == {
        "id": photo["id"],
        "url": f"/photos/{key}/large.webp",
        "thumbUrl": f"/photos/{key}/thumb.webp",
        "width": 32,
        "height": 24,
    }
    assert await shown(http) == ([photo], f"/photos/{key}/large.webp")
    assert set(sidecar.objects) == {("photos", f"{key}/thumb.webp"), ("photos", f"{key}/large.webp")}
    listed = (await http.post("/travel/v1/homestay/homestayList", json={})).json()["data"]["list"]
    assert {each["id"]: each["photos"] for each in listed if each["photos"]} == {HOMESTAY: [photo]}
    snapshot = await http.post("/internal/homestaySnapshot", json={"homestayId": 1}, headers=called_by("order"))
    assert snapshot.json()["cover"] == f"/photos/{key}/large.webp"


async def test_photos_are_put_in_order_and_the_first_is_the_cover(desk, http):
    for colour in ("red", "green", "blue"):
        photos = await desk.add(colour)
    red, green, blue = photos
    assert await desk.photos("orderPhotos", ids=[blue["id"], red["id"], green["id"]]) == [blue, red, green]
    change = (await desk.call("changeList", homestayId=HOMESTAY, pageSize=1)).json()["data"]["list"][0]
    assert (change["action"], change["before"], change["after"]) == (
        "orderPhotos",
        {"photos": [red["id"], green["id"], blue["id"]]},
        {"photos": [blue["id"], red["id"], green["id"]]},
    )
    own = (await desk.call("homestayDetail", id=HOMESTAY)).json()["data"]["homestay"]
    assert own["photos"] == [blue, red, green]
    kept = (await desk.call("homestayList", pageSize=100)).json()["data"]["list"]
    assert {each["id"]: len(each["photos"]) for each in kept if each["photos"]} == {HOMESTAY: 3}
    assert await shown(http) == ([blue, red, green], ",".join(each["url"] for each in (blue, red, green)))
    fourth = (await desk.add("white"))[-1]
    assert [each["id"] for each in (await shown(http))[0]] == [blue["id"], red["id"], green["id"], fourth["id"]]


@pytest.mark.parametrize("change", [lambda ids: ids[:1], lambda ids: [*ids, ids[0]], lambda ids: [ids[0], 10**6]])
async def test_an_order_that_is_not_of_all_photos_is_refused(desk, http, change):
    await desk.add("red")
    photos = await desk.add("blue")
    before = await shown(http)
    answer = await desk.call("orderPhotos", homestayId=HOMESTAY, ids=change([each["id"] for each in photos]))
    assert (answer.status_code, answer.json()["field"]) == (422, "ids")
    assert await shown(http) == before


async def test_a_removed_photo_leaves_the_lists_at_once_and_its_files_later(desk, http, sql, sidecar, tokens):
    red, blue = await desk.add("red") and await desk.add("blue")
    assert await desk.photos("removePhoto", id=red["id"]) == [blue]
    assert await shown(http) == ([blue], blue["url"])
    assert await file_status(http, red["url"]) == 200  # a page that is still open
    assert await deleted(http) == 0
    sql.execute("update homestay_photo set due_at = now() where state = 'removed'")
    assert await deleted(http) == 1
    assert [row[2] for row in rows(sql)] == ["stored"]
    assert {name for _, name in sidecar.objects} == {blue["url"].removeprefix("/photos/"), blue["thumbUrl"][8:]}
    assert (await file_status(http, red["url"]), await file_status(http, blue["url"])) == (404, 200)
    again = await desk.call("removePhoto", homestayId=HOMESTAY, id=red["id"])
    assert (again.status_code, again.json()["code"], again.json()["field"]) == (404, 100365, "id")


async def deleted(http):
    return (await http.post("/jobs/travel-delete-photos", headers=SIDECAR_HEADERS)).json()["claimed"]


async def file_status(http, url):
    _, _, key, name = url.split("/")
    body = {"key": key, "size": name.removesuffix(".webp")}
    return (await http.post("/internal/photoFile", json=body, headers=called_by("gateway"))).status_code


async def test_the_file_is_a_webp_that_may_be_kept_for_ever(desk, http):
    [photo] = await desk.add()
    key = photo["url"].split("/")[2]
    answer = await http.post("/internal/photoFile", json={"key": key, "size": "thumb"}, headers=called_by("gateway"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert Image.open(io.BytesIO(answer.content)).size == (32, 24)
    same = await http.post("/internal/photoFile", json={"key": key, "size": "thumb"}, headers=called_by("gateway"))
    assert same.headers["etag"] == answer.headers["etag"]
    absent = await http.post(
        "/internal/photoFile", json={"key": "0" * 32, "size": "thumb"}, headers=called_by("gateway")
    )
    assert (absent.status_code, absent.json()["code"]) == (404, 100365)
    order = await http.post("/internal/photoFile", json={"key": key, "size": "thumb"}, headers=called_by("order"))
    assert order.status_code == 403


async def test_others_hosts_guests_and_strangers_change_nothing(desk, http, sql, sidecar, tokens):
    [photo] = await desk.add()
    before, files = rows(sql), dict(sidecar.objects)
    calls = [
        ("addPhoto", {"image": image()}),
        ("orderPhotos", {"ids": [photo["id"]]}),
        ("removePhoto", {"id": photo["id"]}),
    ]
    for name, body in calls:
        other = await Desk(http, tokens, OTHER_HOST).call(name, homestayId=HOMESTAY, **body)
        assert (other.status_code, other.json()["code"], other.json()["field"]) == (404, 100301, "homestayId")
        guest = await Desk(http, tokens, HOST, "buyer").call(name, homestayId=HOMESTAY, **body)
        assert guest.status_code == 403
        stranger = await http.post(f"/travel/v1/host/{name}", json={"homestayId": HOMESTAY, **body})
        assert stranger.status_code == 401
    assert (rows(sql), sidecar.objects) == (before, files)
    [change] = sql.execute("select action, after from host_change where homestay_id = 1 order by id").fetchall()[-1:]
    assert change == ("addPhoto", {"photos": [photo["id"]]})


async def test_another_homestays_photo_is_not_removed_through_ones_own(desk, sql):
    [photo] = await desk.add()
    own = sql.execute("select id from homestay where user_id = 2 and id <> 1 order by id limit 1").fetchone()[0]
    answer = await desk.call("removePhoto", homestayId=own, id=photo["id"])
    assert (answer.status_code, answer.json()["code"]) == (404, 100365)
    assert [row[2] for row in rows(sql)] == ["stored"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("not base64!", 100002),
        (base64.b64encode(b"GIF89a" + bytes(50)).decode(), 100362),
        (base64.b64encode(b"hello").decode(), 100363),
        ("A" * 4_000_004, 100002),
        ("", 100002),
    ],
)
async def test_what_is_no_picture_is_refused_by_name(desk, sql, sidecar, sent, code):
    answer = await desk.call("addPhoto", homestayId=HOMESTAY, image=sent)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, "image")
    assert "GIF" in answer.json()["msg"] or code != 100362
    assert (rows(sql), sidecar.objects) == ([], {})


async def test_a_request_beyond_what_the_sidecars_take_is_refused_by_name(desk, sql):
    answer = await desk.call("addPhoto", homestayId=HOMESTAY, image="A" * 4_200_000)
    assert (answer.status_code, answer.json()["field"], answer.json()["code"]) == (413, "image", 100108)
    assert rows(sql) == []


async def test_of_many_at_once_twenty_are_taken(desk, sql, sidecar):
    answers = await asyncio.gather(*(desk.call("addPhoto", homestayId=HOMESTAY, image=image()) for _ in range(25)))
    refused = [each.json() for each in answers if each.status_code == 409]
    assert [each.status_code for each in answers].count(200) == 20
    assert {each["code"] for each in refused} == {100364}
    assert (len(refused), "20" in refused[0]["msg"]) == (5, True)
    assert sorted(row[3] for row in rows(sql)) == list(range(1, 21))
    assert len(sidecar.objects) == 40


async def test_the_same_upload_sent_twice_under_a_key_is_one_photo(desk, sql):
    first = await desk.add(key="upload-1")
    assert await desk.add(key="upload-1") == first
    assert len(rows(sql)) == 1


async def test_while_the_storage_is_down_nothing_is_shown_and_nothing_counts(desk, http, sql, sidecar):
    sidecar.bindings_are_away = True
    answer = await desk.call("addPhoto", homestayId=HOMESTAY, image=image())
    assert (answer.status_code, answer.json()["code"]) == (503, 100106)
    assert await shown(http) == ([], "/static/homestays/1.svg")
    [(_, key, state, _)] = rows(sql)
    assert state == "removed"  # and not yet due: the write may still be under way
    assert await deleted(http) == 0
    sql.execute("update homestay_photo set due_at = now()")
    assert (await deleted(http), len(rows(sql))) == (1, 1)  # the storage is still down: the row stays
    sidecar.bindings_are_away = False
    sidecar.objects["photos", f"{key}/thumb.webp"] = b"of the write that came late"
    sql.execute("update homestay_photo set leased_until = null")
    assert (await deleted(http), rows(sql), sidecar.objects) == (1, [], {})


async def test_what_a_crash_left_half_written_is_never_shown_and_is_deleted(desk, http, sql, sidecar):
    until = utc_now() + timedelta(minutes=10)
    sql.execute(
        "insert into homestay_photo (homestay_id, key, width, height, due_at) values (1, 'half', 1, 1, %s)", (until,)
    )
    sidecar.objects["photos", "half/thumb.webp"] = b"x"
    assert await shown(http) == ([], "/static/homestays/1.svg")
    assert await deleted(http) == 0
    sql.execute("update homestay_photo set due_at = now()")
    assert (await deleted(http), rows(sql), sidecar.objects) == (1, [], {})


async def test_a_photo_that_was_swept_while_it_was_written_is_not_shown(desk, sql, sidecar, monkeypatch):
    write = sidecar.invoke_binding

    async def slowly(name, operation, data, **more):
        sql.execute("delete from homestay_photo")
        return await write(name, operation, data, **more)

    monkeypatch.setattr(sidecar, "invoke_binding", slowly)
    answer = await desk.call("addPhoto", homestayId=HOMESTAY, image=image())
    assert answer.status_code == 503
    assert rows(sql) == []


async def test_a_file_that_cannot_be_had_now_is_not_called_absent(desk, http, sidecar):
    [photo] = await desk.add()
    sidecar.bindings_are_away = True
    assert await file_status(http, photo["url"]) == 503


async def test_a_deletion_that_is_refused_for_another_reason_is_tried_again(desk, http, sql, sidecar, monkeypatch):
    [photo] = await desk.add()
    await desk.photos("removePhoto", id=photo["id"])
    sql.execute("update homestay_photo set due_at = now()")

    async def refuse(*_given, **_more):
        raise PeerUnavailable("binding photos: ERR_INVOKE_OUTPUT_BINDING")

    with monkeypatch.context() as patched:
        patched.setattr(sidecar, "invoke_binding", refuse)
        assert (await deleted(http), len(rows(sql))) == (1, 1)
    assert len(sidecar.objects) == 2


def test_a_photo_of_the_largest_size_passes_the_limit_of_the_body():
    """3,000,000 bytes as base64, and what is around them, is less than the 4,100,000 of `uploads`."""
    body = json.dumps({"homestayId": 2**63 - 1, "image": base64.b64encode(bytes(3_000_000)).decode()})
    assert len(httpx.Request("POST", "http://app", content=body).content) < 4_100_000 < 4 * 1024 * 1024
