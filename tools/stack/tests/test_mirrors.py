"""`MIRROR=cn`: each tool is told the addresses of the file, and a line that is empty is named before anything starts."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from stack.setup import kafka_jars, mirrors, progress, versions

FILLED = """\
# a comment with = in it
GO_MIRROR=http://127.0.0.1:1/go,direct
PYPI_MIRROR = http://127.0.0.1:1/simple
MAVEN_MIRROR=http://127.0.0.1:1/maven?a=1&b=2
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "mirrors").mkdir()
    return tmp_path


def fill(repo: Path, text: str) -> None:
    (repo / "mirrors" / "cn.env").write_text(text)


def test_without_the_name_of_a_mirror_nothing_is_changed(repo: Path) -> None:
    assert mirrors.environment(repo, "") == {}
    assert mirrors.maven_arguments({}) == []


def test_go_pip_uv_and_maven_are_told_the_addresses(repo: Path) -> None:
    fill(repo, FILLED)
    given = mirrors.environment(repo, "cn")
    settings = repo / ".tools" / "mirrors" / "cn-settings.xml"

    assert given == {
        "GOPROXY": "http://127.0.0.1:1/go,direct",
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple",
        "MINSU_MAVEN_SETTINGS": str(settings),
    }
    assert mirrors.maven_arguments(given) == ["--settings", str(settings)]
    mirror = ET.fromstring(settings.read_text()).find("mirrors/mirror")  # noqa: S314 - our own file
    assert mirror is not None
    assert [mirror.findtext(name) for name in ("mirrorOf", "url")] == ["*", "http://127.0.0.1:1/maven?a=1&b=2"]


def test_mavens_call_takes_the_settings(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setenv(mirrors.MAVEN_SETTINGS, "/some/settings.xml")
    monkeypatch.setattr(progress, "run", lambda _label, argv, **_more: called.append([str(part) for part in argv]))
    (repo / "versions.env").write_text("KAFKA_VERSION=1.2.3\n")
    with pytest.raises(progress.StepFailed):
        kafka_jars.install(repo, repo)  # it left no jars
    assert called[0][:5] == ["mvn", "-q", "-B", "--settings", "/some/settings.xml"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ["GO_MIRROR=", "PYPI_MIRROR=", "MAVEN_MIRROR="]),
        (FILLED.replace("http://127.0.0.1:1/simple", ""), ["PYPI_MIRROR="]),
        (FILLED.replace("http://127.0.0.1:1/go,direct", "proxy"), ["GO_MIRROR="]),
    ],
)
def test_a_line_that_is_not_filled_in_is_named(repo: Path, text: str, named: list[str]) -> None:
    fill(repo, text)
    with pytest.raises(progress.StepFailed) as refused:
        mirrors.environment(repo, "cn")
    assert [line.split()[0] for line in str(refused.value).splitlines()[1:]] == named
    assert str(repo / "mirrors" / "cn.env") in str(refused.value)
    assert not (repo / ".tools").exists()


@pytest.mark.parametrize("name", ["cn", "../cn", "CN"])
def test_a_file_that_is_not_there_is_named_with_what_to_copy(repo: Path, name: str) -> None:
    with pytest.raises(progress.StepFailed, match="MIRROR="):
        mirrors.environment(repo, name)


def test_the_set_up_says_so_before_anything_starts() -> None:
    source = str(versions.repository() / "tools" / "stack" / "src")
    done = subprocess.run(
        [sys.executable, "-m", "stack.setup"],
        env={"PYTHONPATH": source, "MIRROR": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("  ✗ MIRROR=nowhere: copy mirrors/cn.env.example to ")
    assert len(done.stdout.splitlines()) == 1


def test_the_template_names_no_address() -> None:
    template = (versions.repository() / "mirrors" / "cn.env.example").read_text()
    assert [line for line in template.splitlines() if line and not line.startswith("#")] == [
        "GO_MIRROR=",
        "PYPI_MIRROR=",
        "MAVEN_MIRROR=",
    ]
    assert "://" not in template
