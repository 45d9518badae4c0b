"""dapr.yaml gives the same flags here as in the Dapr CLI, and renders for other ports."""

from pathlib import Path

import pytest
import yaml

from stack import daprfile, layout
from stack.errors import StackError

RUN_FILE = """
version: 1
common:
  runtimePath: ../.run
  resourcesPaths: [../components, ./subscriptions]
  configFilePath: ./config.yaml
  placementHostAddress: ""
  enableAppHealthCheck: true
  readBufferSize: 16Ki
apps:
  - appID: order
    appDirPath: ../apps/order
    appPort: 8003
    daprHTTPPort: 3503
    daprGRPCPort: 3523
    daprInternalGRPCPort: 3543
    metricsPort: 9103
    env: {COLOUR: red}
    command: ["../../dapr/with-env", "python", "-m", "order"]
"""


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    file = tmp_path / "repo" / "dapr" / "dapr.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(RUN_FILE)
    return file


def test_flags_are_those_that_the_cli_derives(run_file: Path) -> None:
    repo = run_file.parent.parent
    assert daprfile.apps(run_file)[0].flags() == [
        "--config", f"{repo}/dapr/config.yaml",
        "--app-protocol", "http",
        "--app-max-concurrency", "-1",
        "--resources-path", f"{repo}/components",
        "--resources-path", f"{repo}/dapr/subscriptions",
        "--max-body-size", "4Mi",
        "--read-buffer-size", "16Ki",
        "--enable-app-health-check",
        "--app-id", "order",
        "--app-port", "8003",
        "--dapr-http-port", "3503",
        "--dapr-grpc-port", "3523",
        "--metrics-port", "9103",
        "--dapr-internal-grpc-port", "3543",
    ]  # fmt: skip


def test_an_app_is_told_its_ports_and_its_own_environment(run_file: Path) -> None:
    assert daprfile.apps(run_file)[0].environment() == {
        "APP_ID": "order",
        "APP_PORT": "8003",
        "DAPR_HTTP_PORT": "3503",
        "DAPR_GRPC_PORT": "3523",
        "DAPR_METRICS_PORT": "9103",
        "APP_PROTOCOL": "http",
        "COLOUR": "red",
    }


def test_the_sidecar_is_the_one_in_the_runtime_path(run_file: Path) -> None:
    assert daprfile.apps(run_file)[0].daprd == run_file.parent.parent / ".run" / ".dapr" / "bin" / "daprd"


def test_rendering_changes_ports_and_paths_and_nothing_else(run_file: Path, tmp_path: Path) -> None:
    ports = {
        "order": {
            "appPort": 9003,
            "daprHTTPPort": 4503,
            "daprGRPCPort": 4523,
            "daprInternalGRPCPort": 4543,
            "metricsPort": 10103,
        }
    }
    rendered = tmp_path / "elsewhere" / "dapr.yaml"
    rendered.parent.mkdir()
    rendered.write_text(daprfile.render(run_file, ports, tmp_path / "elsewhere"))
    before, after = daprfile.apps(run_file)[0], daprfile.apps(rendered)[0]
    repo = run_file.parent.parent
    changed = {name for name in before.fields if before.fields[name] != after.fields[name]}
    assert changed == {*ports["order"], "runtimePath", "command", "env"}
    assert after.command == [f"{repo}/dapr/with-env", "python", "-m", "order"]
    assert after.environment()["MINSU_RUN_DIR"] == str(tmp_path / "elsewhere")
    assert after.environment()["COLOUR"] == "red"


def test_a_file_without_a_version_is_refused_as_the_cli_refuses_it(tmp_path: Path) -> None:
    file = tmp_path / "dapr.yaml"
    file.write_text(yaml.safe_dump({"apps": []}))
    with pytest.raises(StackError, match="required field 'version'"):
        daprfile.load(file)


def test_the_committed_file_lists_every_app_but_the_sandbox_with_its_own_command() -> None:
    found = daprfile.apps(layout.REPO / "dapr" / "dapr.yaml")
    folders = {file.parent.name for file in (layout.REPO / "apps").glob("*/pyproject.toml")}
    assert sorted(app.id for app in found) == sorted(folders - {"wechatsim"})
    assert all(app.command == ["../../dapr/with-env", "python", "-m", app.id] for app in found)
    assert all(app.folder == layout.REPO / "apps" / app.id for app in found)
