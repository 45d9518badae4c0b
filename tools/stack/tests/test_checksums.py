"""Downloads are held to a list: a file that differs, is missing or is one too many ends the set-up."""

import hashlib
from pathlib import Path

import pytest

from stack.layout import REPO
from stack.setup import checksums, progress

LISTS = ("tools/stack/kafka/SHA256SUMS", "apps/wechatsim/tests/java/SHA256SUMS")


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    folder = tmp_path / "libs"
    folder.mkdir()
    for name in ("a.jar", "b.jar"):
        (folder / name).write_text(name)
    sums = "".join(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in ("a.jar", "b.jar"))
    (tmp_path / "SHA256SUMS").write_text(sums)
    return folder


def test_what_the_list_names_is_taken(downloaded: Path) -> None:
    checksums.require(downloaded, downloaded.with_name("SHA256SUMS"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: (folder / "a.jar").write_text("another"), "a.jar"),
        (lambda folder: (folder / "b.jar").unlink(), "b.jar"),
        (lambda folder: (folder / "c.jar").write_text("more"), "c.jar"),
    ],
    ids=["differs", "is missing", "is one too many"],
)
def test_what_it_does_not_is_refused_by_name(downloaded: Path, change, named: str) -> None:
    change(downloaded)
    with pytest.raises(progress.StepFailed, match=rf"SHA256SUMS lists: {named}$"):
        checksums.require(downloaded, downloaded.with_name("SHA256SUMS"))


@pytest.mark.parametrize("file", LISTS)
def test_the_lists_name_jars_with_whole_sums(file: str) -> None:
    lines = (REPO / file).read_text().splitlines()
    assert lines
    for line in lines:
        found, _, name = line.partition("  ")
        assert len(found) == 64
        assert name.endswith(".jar")
