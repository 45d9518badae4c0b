"""A host's photos on the real parts: through the gateway and both sidecars into the binding, out of it, and gone again."""

import base64
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
HOST, DETAIL = "/travel/v1/host", "/travel/v1/homestay/homestayDetail"
MOST_BYTES = 3_000_000
JOB_SECONDS = 60


@pytest.fixture
def homestay(system):
    """A homestay of the seeded host, without photos before and after."""
    banner = system.rows("travel", "select banner from homestay where id = %s", system.homestay)[0]["banner"]
    yield system.homestay
    system.rows("travel", "delete from homestay_photo")
    system.rows("travel", "update homestay set banner = %s where id = %s", banner, system.homestay)


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))


def encoded(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def largest() -> bytes:
    """A JPEG of exactly as many bytes as are taken: its comment fills it up."""
    picture = encoded(noise(1200, 1200), quality=90)
    while (missing := MOST_BYTES - len(picture)) > 4:
        part = min(missing, 65_000) - 4
        picture = picture[:2] + b"\xff\xfe" + (part + 2).to_bytes(2, "big") + bytes(part) + picture[2:]
    return picture + bytes(missing)


def upload(system, homestay, image: bytes):
    return system.post(
        f"{HOST}/addPhoto", {"homestayId": homestay, "image": base64.b64encode(image).decode()}, "MERCHANT"
    )


def added(system, homestay, image: bytes) -> list[dict]:
    answer = upload(system, homestay, image)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["photos"]


def files(system) -> set[str]:
    root = Path(system.environment["RUN_DIR"]) / "photos"
    return {str(each.relative_to(root)) for each in root.rglob("*.webp")}


def test_the_largest_picture_passes_every_door_and_is_served_from_then_on(system, homestay):
    before = files(system)
    image = largest()
    assert len(image) == MOST_BYTES
    [photo] = added(system, homestay, image)
    key = photo["url"].split("/")[2]
    assert files(system) - before == {f"{key}/large.webp", f"{key}/thumb.webp"}
    for url, longest in ((photo["url"], 1200), (photo["thumbUrl"], 480)):
        answer = system.gateway.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert max(Image.open(io.BytesIO(answer.content)).size) == longest
        again = system.gateway.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert system.data(f"{HOST}/homestayDetail", {"id": homestay}, "MERCHANT")["homestay"]["photos"] == [photo]
    eventually(lambda: system.data(DETAIL, {"id": homestay})["homestay"]["photos"] == [photo], what="guests see it")


def test_a_byte_more_is_refused_by_name_and_stores_nothing(system, homestay):
    before = files(system)
    too_large = upload(system, homestay, largest() + b"\x00")
    assert (too_large.status_code, too_large.json()["field"]) == (422, "image")
    far_too_large = upload(system, homestay, bytes(3_200_000))
    assert (far_too_large.status_code, far_too_large.json()["field"]) == (413, "image")
    assert files(system) == before
    assert system.rows("travel", "select 1 from homestay_photo") == []


def test_the_files_of_a_removed_photo_are_deleted_also_when_one_is_gone_already(system, homestay):
    before = files(system)
    [photo] = added(system, homestay, encoded(noise(64, 48)))
    body = {"homestayId": homestay, "id": photo["id"]}
    assert system.data(f"{HOST}/removePhoto", body, "MERCHANT")["photos"] == []
    key = photo["url"].split("/")[2]
    assert f"{key}/thumb.webp" in files(system)
    (Path(system.environment["RUN_DIR"]) / "photos" / key / "thumb.webp").unlink()
    system.rows("travel", "update homestay_photo set due_at = now()")
    eventually(
        lambda: system.rows("travel", "select 1 from homestay_photo") == [],
        seconds=JOB_SECONDS + 30,
        what="the job deletes it",
    )
    assert files(system) == before
    assert system.gateway.get(photo["url"]).status_code == 404


def test_an_unknown_photo_is_not_found(system):
    assert system.gateway.get(f"/photos/{'0' * 32}/large.webp").status_code == 404
    assert system.gateway.get("/photos/..%2f..%2fetc/large.webp").status_code == 404
