"""The two shell scripts that stand between dapr.yaml and the processes."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stack import layout, sidecar


@pytest.fixture
def where(tmp_path: Path) -> layout.Layout:
    """A layout in a folder with a blank in its name, with a daprd that prints its arguments and settings."""
    run = tmp_path / "a run"
    (run / "env").mkdir(parents=True)
    (run / "env" / "daprd.env").write_text("KAFKA_BROKERS='127.0.0.1:9092'\n")
    (run / "env" / "order-daprd.env").write_text("APP_API_TOKEN='it'\"'\"'s'\n")
    (tmp_path / "repo" / "dapr").mkdir(parents=True)
    (tmp_path / "repo" / "dapr" / "with-delivery-token").symlink_to(layout.REPO / "dapr" / "with-delivery-token")
    daprd = tmp_path / "repo" / ".tools" / "bin" / "daprd"
    daprd.parent.mkdir(parents=True)
    daprd.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$KAFKA_BROKERS" "$APP_API_TOKEN"\n')
    daprd.chmod(0o755)
    return replace(layout.plan({}), repo=tmp_path / "repo", run=run)


def run(wrapper: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [wrapper, *arguments], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    return done.stdout.splitlines()


def test_the_sidecar_runs_on_loopback_without_scheduler_and_with_its_settings(where: layout.Layout) -> None:
    wrapper = sidecar.write_wrapper(where)
    said = run(
        wrapper, "--app-id", "order", "--resources-path", "/with blank", "--scheduler-host-address", "localhost",
        "--placement-host-address=x", "--enable-app-health-check",
    )  # fmt: skip
    assert said == [
        "--app-id", "order", "--resources-path", f"{where.run}/resources/order-/with blank", "--enable-app-health-check",
        "--dapr-listen-addresses", "127.0.0.1",
        "--dapr-internal-grpc-listen-address", "127.0.0.1",
        "--metrics-listen-address", "127.0.0.1",
        "--disable-init-endpoints", "config,subscribe",
        "--dapr-block-shutdown-duration", sidecar.BLOCK_SHUTDOWN,
        "--dapr-graceful-shutdown-seconds", sidecar.GRACEFUL_SHUTDOWN,
        "127.0.0.1:9092", "it's",
    ]  # fmt: skip


def test_the_routes_of_deliveries_carry_the_apps_own_token_in_private_copies(where: layout.Layout) -> None:
    env = where.run / "env" / "order-daprd.env"
    env.write_text(env.read_text() + "DELIVERY_TOKEN='secretofthisapp01'\n")
    folders = [layout.REPO / "components", layout.REPO / "dapr" / "subscriptions", layout.REPO / "dapr" / "resiliency"]
    told = [word for folder in folders for word in ("--resources-path", str(folder))]
    said = run(sidecar.write_wrapper(where), "--app-id", "order", "--dapr-http-port", "3503", *told)
    copies = where.run / "resources" / "order-3503"
    assert [said[at + 1] for at, word in enumerate(said) if word == "--resources-path"] == [
        str(copies / folder.name) for folder in folders
    ]
    for folder in folders:
        for file in sorted(folder.glob("*.yaml")):
            copy = copies / folder.name / file.name
            given, made = file.read_text(), copy.read_text()
            routes = given.count(": /events/") + given.count(": /jobs/")
            assert made.count(": /delivered/secretofthisapp01/") == routes
            assert made.replace("/delivered/secretofthisapp01", "") == given
            assert copy.stat().st_mode & 0o077 == 0
    cron = [file.name for file in folders[0].glob("*.yaml") if "type: bindings.cron" in file.read_text()]
    subscriptions = [file.name for file in folders[1].glob("*.yaml")]
    for folder, expected in {"components": cron, "subscriptions": subscriptions}.items():
        assert expected
        changed = [file.name for file in (copies / folder).iterdir() if "/delivered/" in file.read_text()]
        assert sorted(changed) == sorted(expected)


def test_without_an_app_the_arguments_pass_unchanged(where: layout.Layout) -> None:
    assert run(sidecar.write_wrapper(where), "--version")[0] == "--version"


def test_an_app_runs_with_its_settings_and_this_checkouts_python(where: layout.Layout) -> None:
    (where.run / "env" / "order.env").write_text("ORDER_PAY_WINDOW_SECONDS='3 s'\n")
    env = {"PATH": "/usr/bin:/bin", "APP_ID": "order", "MINSU_RUN_DIR": str(where.run)}
    script = layout.REPO / "dapr" / "with-env"
    argv: list[str | Path] = [script, "sh", "-c", 'echo "$ORDER_PAY_WINDOW_SECONDS"; echo "$PATH"']
    said = subprocess.run(argv, capture_output=True, text=True, check=True, env=env).stdout.splitlines()
    assert said == ["3 s", f"{layout.REPO}/.venv/bin:/usr/bin:/bin"]


def test_an_app_without_settings_says_what_to_run_first(where: layout.Layout) -> None:
    env = {"PATH": "/usr/bin:/bin", "APP_ID": "travel", "MINSU_RUN_DIR": str(where.run)}
    done = subprocess.run(
        [layout.REPO / "dapr" / "with-env", "true"], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 78
    assert "run 'make infra' first" in done.stderr
