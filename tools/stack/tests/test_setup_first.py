"""What a target needs is named once, before minutes of work; what can be fetched without root is, held to its sum."""

import base64
import hashlib
import io
import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from stack.setup import (
    axe,
    browser,
    contract_tools,
    daprd,
    first,
    gobuild,
    java_sdk,
    kubernetes,
    npm,
    preflight,
    progress,
    recorder,
    sentry,
    testing,
    versions,
)

GO = "apt-get install golang-go, or https://go.dev/doc/install"


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tool on the PATH, an empty cache, and a build that would be seen."""
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(gobuild, "intact", lambda _: False)
    monkeypatch.setattr(daprd, "present", lambda _: False)
    monkeypatch.setattr(java_sdk, "present", lambda _: False)
    monkeypatch.setattr(axe, "present", lambda _: False)

    def build(*_: object) -> Path:
        raise AssertionError("it began to build")

    monkeypatch.setattr(gobuild, "source", build)


@pytest.mark.parametrize(
    ("target", "etcd"),
    [("k8s-test", 1), ("compose-test", 0), ("mesh-test", 0), ("obs-test", 0), ("test", 0), ("test-unit", 0)],
)
def test_a_bare_machine_is_told_everything_once_and_nothing_is_built(
    nothing_built: None, capsys: pytest.CaptureFixture[str], target: str, etcd: int
) -> None:
    assert first.main(target) == 1
    said = capsys.readouterr().out
    assert said.startswith("missing on this machine:\n")
    lines = [line.partition("→")[2].strip() for line in said.splitlines()[1:]]
    assert len(lines) == len(set(lines))
    assert lines.count("apt-get install etcd-server") == etcd
    assert lines.count(GO) == 1


def test_every_target_that_is_asked_what_it_needs_is_in_the_list() -> None:
    asked = re.findall(
        r"^([a-z0-9-]+): needs-([a-z0-9-]+) ", (versions.repository() / "Makefile").read_text(), re.MULTILINE
    )
    assert sorted(name for name, _ in asked) == sorted(first.MORE)
    assert all(name == needed for name, needed in asked)


def test_with_everything_built_etcd_alone_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    repo = versions.repository()
    monkeypatch.setattr(gobuild, "intact", lambda _: True)
    monkeypatch.setattr(preflight, "etcd_program", lambda: None)
    [missing] = kubernetes.missing(repo)
    assert missing.install == "apt-get install etcd-server"
    monkeypatch.setattr(preflight, "etcd_program", lambda: "/usr/bin/etcd")
    assert (kubernetes.missing(repo), sentry.missing(repo)) == ([], [])


@pytest.mark.parametrize(
    ("browser_lacks", "font_lacks", "axe_there", "java_there", "named"),
    [
        (True, True, True, True, ["Node with npm (or chromium and fonts-noto-cjk)"]),
        (False, True, True, True, ["Node with npm (or chromium and fonts-noto-cjk)"]),
        (False, False, False, True, ["Node with npm (or chromium and fonts-noto-cjk)"]),
        (False, False, True, False, ["Java ≥ 17", "Maven"]),
        (False, False, True, True, []),
    ],
)
def test_the_tests_need_only_what_fetches_the_rest(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    browser_lacks: bool,
    font_lacks: bool,
    axe_there: bool,
    java_there: bool,
    named: list[str],
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(browser, "packaged_for_this_machine", lambda: True)
    monkeypatch.setattr(browser, "lacks_chromium", lambda _: browser_lacks)
    monkeypatch.setattr(browser, "lacks_font", lambda _: font_lacks)
    monkeypatch.setattr(axe, "present", lambda _: axe_there)
    monkeypatch.setattr(java_sdk, "present", lambda _: java_there)
    for fetched in (contract_tools, recorder):
        monkeypatch.setattr(fetched, "missing", lambda _: [])
    assert [one.what for one in testing.missing(tmp_path)] == named


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A registry of one package; its SHA-512 as npm writes it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/bin/it")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"right"))

    def pack(label: str, argv: list[str], *, log: Path, cwd: Path) -> None:
        (cwd / "it-1.0.0.tgz").write_bytes(content.getvalue())
        log.write_text("it-1.0.0.tgz\n")

    monkeypatch.setattr(progress, "run", pack)
    return base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()


def test_a_package_is_unpacked_when_its_sum_is_the_pinned_one(tmp_path: Path, packed: str) -> None:
    npm.unpack("@a/it@1.0.0", packed, {"bin/it": tmp_path / "out" / "it"}, tmp_path)
    assert [(one.name, one.read_bytes()) for one in (tmp_path / "out").iterdir()] == [("it", b"right")]


def test_a_package_with_another_sum_leaves_nothing(tmp_path: Path, packed: str) -> None:
    with pytest.raises(progress.StepFailed, match=r"versions\.env pins other"):
        npm.unpack("@a/it@1.0.0", "other", {"bin/it": tmp_path / "out" / "it"}, tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_contracts_need_node_and_what_builds_the_comparison_unless_it_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copyfile(versions.repository() / "versions.env", tmp_path / "versions.env")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(gobuild, "intact", lambda _: False)
    assert [one.what.partition(" ")[0] for one in contract_tools.missing(tmp_path)] == ["Node", "Go"]
    monkeypatch.setattr(gobuild, "intact", lambda _: True)
    assert [one.what.partition(" ")[0] for one in contract_tools.missing(tmp_path)] == ["Node"]


@pytest.mark.parametrize("folder", [contract_tools.FOLDER, Path("seats/ledger-node")], ids=str)
def test_a_lock_for_node_holds_every_package_to_a_sum_and_has_no_address(folder: Path) -> None:
    """`npm install` writes who asks for donations, too (`funding`): taken out by hand."""
    text = (versions.repository() / folder / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, each in packages.items() if not each["integrity"].startswith("sha512-")] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert "://" not in text
