"""A missing tool is named with the line that installs it."""

from pathlib import Path

import pytest

from stack.setup import gobuild, preflight, versions


def test_an_older_go_that_fetches_its_toolchain_will_do() -> None:
    assert preflight.go("go version go1.22.1 linux/amd64") is None


@pytest.mark.parametrize("found", ["", "go version go1.19.8 linux/amd64"])
def test_no_go_or_one_too_old_names_the_line_that_installs_it(found: str) -> None:
    missing = preflight.go(found)
    assert missing is not None
    assert missing.what.startswith("Go ≥ 1.26.5")
    assert "golang-go" in missing.install


@pytest.mark.parametrize(
    ("found", "what"),
    [("", "Java ≥ 17"), ('openjdk version "11.0.2" 2019-01-15', "Java ≥ 17 (found 11)")],
)
def test_no_java_or_an_old_one_is_named(found: str, what: str) -> None:
    assert preflight.java(found) == preflight.Missing(what, "apt-get install openjdk-17-jre-headless")


def test_java_17_and_newer_will_do() -> None:
    assert preflight.java('openjdk version "17.0.15" 2025-04-15') is None
    assert preflight.java('openjdk version "25" 2025-09-16') is None


def test_too_little_disk_is_named_with_what_was_found(tmp_path: Path) -> None:
    missing = preflight.disk(tmp_path, free=3 * preflight.GIGABYTE)
    assert missing is not None
    assert "found 3.0" in missing.what


def test_the_report_lists_everything_at_once() -> None:
    text = preflight.report(
        [preflight.Missing("Maven", "apt-get install maven"), preflight.Missing("git", "apt-get install git")]
    )
    assert text.splitlines() == [
        "missing on this machine:",
        "  Maven  →  apt-get install maven",
        "  git    →  apt-get install git",
    ]


@pytest.mark.parametrize(
    ("found", "wanted", "enough"),
    [((3, 11), (3, 11), True), ((1, 26), (1, 26, 4), False), ((1, 27), (1, 26, 4), True), ((17,), (17, 0), True)],
)
def test_versions_compare_by_number(found: tuple[int, ...], wanted: tuple[int, ...], enough: bool) -> None:
    assert versions.at_least(found, wanted) is enough


def test_a_cached_binary_that_was_changed_is_not_trusted(tmp_path: Path) -> None:
    binary = tmp_path / "daprd-x"
    binary.write_bytes(b"built")
    assert not gobuild.intact(binary)
    binary.with_suffix(".sha256").write_text(gobuild._sha256(binary))
    assert gobuild.intact(binary)
    binary.write_bytes(b"changed")
    assert not gobuild.intact(binary)
