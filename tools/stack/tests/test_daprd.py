"""The daprd that we build holds exactly what this repository uses, and no other version is taken."""

from pathlib import Path

import pytest
import yaml

from stack.setup import daprd, progress, versions

REPO = versions.repository()
ALL = " ".join(f"components-contrib/{one.replace('.', '/')}.New" for one in daprd.COMPONENTS)


def test_the_components_of_the_build_are_those_that_the_laptop_uses() -> None:
    used = set()
    for file in (REPO / "components").glob("*.yaml"):
        used |= {one["spec"]["type"] for one in yaml.safe_load_all(file.read_text())}
    configuration = yaml.safe_load((REPO / "dapr" / "config.yaml").read_text())
    used.add(f"nameresolution.{configuration['spec']['nameResolution']['component']}")
    assert sorted(used) == sorted(daprd.COMPONENTS)


def _source(folder: Path) -> Path:
    """As in Go's cache: nothing in it may be written."""
    registrations = folder / daprd.REGISTRATIONS
    registrations.mkdir(parents=True)
    for name in ("pubsub_kafka.go", "pubsub_mqtt.go", "state_redis.go", "zz_notag.go"):
        (registrations / name).write_text(f"package components // {name}\n")
    (folder / "tests").mkdir()
    (folder / "go.mod").write_text("module example\n")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def test_the_copy_registers_the_wanted_components_alone(tmp_path: Path) -> None:
    copy = daprd.reduce(_source(tmp_path / "source"), tmp_path / "copy", ("pubsub.kafka",))
    assert [file.name for file in (copy / daprd.REGISTRATIONS).iterdir()] == ["pubsub_kafka.go"]
    assert (copy / "go.mod").read_text() == "module example\n"
    assert not (copy / "tests").exists()
    assert len(list((tmp_path / "source" / daprd.REGISTRATIONS).iterdir())) == 4


def test_a_component_that_this_version_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(progress.StepFailed, match=r"has no bindings_cron\.go in cmd/daprd/components"):
        daprd.reduce(_source(tmp_path / "source"), tmp_path / "copy", ("pubsub.kafka", "bindings.cron"))


def _fake_daprd(file: Path, version: str, content: str) -> Path:
    file.write_text(f"#!/bin/sh\necho {version}\n# {content}\n")
    file.chmod(0o755)
    return file


def test_an_installed_daprd_is_taken_when_it_has_the_pinned_version_and_every_component(tmp_path: Path) -> None:
    assert daprd.usable(_fake_daprd(tmp_path / "same", "1.18.2", f"{ALL} components-contrib/state/redis.New"), "1.18.2")


def test_a_daprd_of_another_version_or_without_a_component_is_not_taken(tmp_path: Path) -> None:
    assert not daprd.usable(_fake_daprd(tmp_path / "patch", "1.18.1", ALL), "1.18.2")
    assert not daprd.usable(_fake_daprd(tmp_path / "minor", "1.17.4", ALL), "1.18.2")
    lacking = ALL.replace("bindings/http", "bindings/httpx")
    assert not daprd.usable(_fake_daprd(tmp_path / "small", "1.18.2", lacking), "1.18.2")
    assert not daprd.usable(tmp_path / "none", "1.18.2")
