"""Images of others by digest: what is named, and what `make digests` writes."""

import re

import pytest

from stack import digests
from stack.layout import REPO
from stack.setup import versions

PINS = versions.read(REPO / "versions.env")
DIGEST = "sha256:" + "1" * 64
ANOTHER = "sha256:" + "2" * 64


def test_every_image_of_others_is_found() -> None:
    found = {image for name in digests.FILES for image in digests.named((REPO / name).read_text(), PINS)}
    dapr = PINS["DAPR_VERSION"]
    assert found == {
        PINS["PYTHON_IMAGE"],
        PINS["POSTGRES_IMAGE"],
        f"apache/kafka:{PINS['KAFKA_VERSION']}",
        f"daprio/daprd:{dapr}",
        f"daprio/sentry:{dapr}",
    }


@pytest.mark.parametrize(
    "line",
    [
        "    image: postgres:18",
        "ARG PYTHON_IMAGE=postgres:18",
        "FROM postgres:${V} AS x",
        f"image: postgres:18@{ANOTHER}",
    ],
)
def test_a_digest_is_written_behind_the_tag_in_place_of_another(line: str) -> None:
    once = digests.pinned(line, {"postgres:18": DIGEST}, {"V": "18"})
    assert once.count("@") == 1
    assert f"@{DIGEST}" in once
    assert digests.pinned(once, {"postgres:18": DIGEST}, {"V": "18"}) == once


def test_our_own_images_and_unknown_ones_stay() -> None:
    text = "image: minsu/order:0.1.0\nimage: example/other:1\nFROM base AS setup\nFROM ${PYTHON_IMAGE} AS base\n"
    assert digests.pinned(text, {"postgres:18": DIGEST}, {}) == text


def test_a_digest_in_the_files_is_whole() -> None:
    for name in digests.FILES:
        for found in re.findall(r"@sha256:\S*", (REPO / name).read_text()):
            assert re.fullmatch(r"@sha256:[0-9a-f]{64}", found), name
