"""dapr/dapr.yaml as the Dapr CLI reads it: fields merged, paths made absolute, flags and environment derived.

`make run` and `dapr run -f` must start the same thing from the same file; the tables here follow the CLI's structs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack.errors import StackError

# field → daprd's flag, in the CLI's order; `None` marks what is not passed to daprd.
SHARED_FIELDS: dict[str, str | None] = {
    "configFilePath": "--config",
    "appProtocol": "--app-protocol",
    "apiListenAddresses": "--dapr-listen-addresses",
    "enableProfiling": "--enable-profiling",
    "logLevel": "--log-level",
    "appMaxConcurrency": "--app-max-concurrency",
    "placementHostAddress": "--placement-host-address",
    "resourcesPath": None,
    "resourcesPaths": "--resources-path",
    "appSSL": "--app-ssl",
    "maxBodySize": "--max-body-size",
    "readBufferSize": "--read-buffer-size",
    "enableAppHealthCheck": "--enable-app-health-check",
    "appHealthCheckPath": "--app-health-check-path",
    "appHealthProbeInterval": "--app-health-probe-interval",
    "appHealthProbeTimeout": "--app-health-probe-timeout",
    "appHealthThreshold": "--app-health-threshold",
    "enableApiLogging": "--enable-api-logging",
    "runtimePath": None,
    "env": None,
    "daprdLogDestination": None,
    "appLogDestination": None,
    "schedulerHostAddress": "--scheduler-host-address",
}
APP_FIELDS: dict[str, str | None] = {
    "appID": "--app-id",
    "appChannelAddress": "--app-channel-address",
    "appPort": "--app-port",
    "daprHTTPPort": "--dapr-http-port",
    "daprGRPCPort": "--dapr-grpc-port",
    "profilePort": "--profile-port",
    "command": None,
    "metricsPort": "--metrics-port",
    "unixDomainSocket": "--unix-domain-socket",
    "daprInternalGRPCPort": "--dapr-internal-grpc-port",
    "appDirPath": None,
    "containerImage": None,
    "containerImagePullPolicy": None,
    "createService": None,
}
TOP_FIELDS = ("version", "name", "common", "apps")
DEFAULTS = {"appProtocol": "http", "appMaxConcurrency": -1, "maxBodySize": "4Mi", "readBufferSize": "4Ki"}
PATH_FIELDS = ("configFilePath", "runtimePath")


@dataclass(frozen=True)
class App:
    """One app with the common fields merged in and every path absolute."""

    fields: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.fields["appID"])

    @property
    def folder(self) -> Path:
        return Path(self.fields["appDirPath"])

    @property
    def command(self) -> list[str]:
        return [str(word) for word in self.fields["command"]]

    def port(self, field: str) -> int:
        return int(self.fields[field])

    @property
    def daprd(self) -> Path:
        return Path(self.fields["runtimePath"]) / ".dapr" / "bin" / "daprd"

    def flags(self) -> list[str]:
        """daprd's arguments, as the CLI derives them."""
        argv: list[str] = []
        for field, flag in {**SHARED_FIELDS, **APP_FIELDS}.items():
            value = self.fields.get(field, DEFAULTS.get(field))
            if flag is None or value is None or value is False or value == "":
                continue
            if value is True:
                argv.append(flag)
            elif isinstance(value, list):
                argv += [word for item in value for word in (flag, str(item))]
            else:
                argv += [flag, str(value)]
        return argv

    def environment(self) -> dict[str, str]:
        """What the app is told, as the CLI tells it."""
        named = {
            "APP_ID": "appID",
            "APP_PORT": "appPort",
            "DAPR_HTTP_PORT": "daprHTTPPort",
            "DAPR_GRPC_PORT": "daprGRPCPort",
            "DAPR_METRICS_PORT": "metricsPort",
        }
        told = {name: str(self.fields[field]) for name, field in named.items()}
        extra = {str(name): str(value) for name, value in (self.fields.get("env") or {}).items()}
        return {**told, "APP_PROTOCOL": str(self.fields.get("appProtocol", "http")), **extra}


def load(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text())
    if not isinstance(content, dict) or not content.get("version"):
        raise StackError(f"{file}: required field 'version' not found")
    return content


def apps(file: Path) -> list[App]:
    """Every app of the file, resolved: relative paths of `common` against the file, of an app against its folder."""
    content = load(file)
    common = _absolute(content.get("common") or {}, file.parent)
    resolved = []
    for entry in content["apps"]:
        folder = _join(file.parent, entry["appDirPath"])
        own = {**_absolute(entry, Path(folder)), "appDirPath": folder}
        set_here = {name: value for name, value in own.items() if value not in (None, "", 0, False, [])}
        env = {**(common.get("env") or {}), **(own.get("env") or {})}
        resolved.append(App({"appID": Path(folder).name, **common, **set_here, "env": env}))
    return resolved


def render(
    file: Path, ports: dict[str, dict[str, int]], runtime: Path, programs: Mapping[str, Path] | None = None
) -> str:
    """The same file with absolute paths, the given ports and another runtime folder, for `dapr run -f`. `programs`, by
    app-id, stand in the place of what the file runs, behind the same wrapper."""
    content = load(file)
    common = _absolute(content["common"], file.parent) | {"runtimePath": str(runtime)}
    rendered = []
    for entry in content["apps"]:
        folder = _join(file.parent, entry["appDirPath"])
        own = _absolute(entry, Path(folder)) | {"appDirPath": folder} | ports[entry["appID"]]
        own["env"] = {"MINSU_RUN_DIR": str(runtime), **(entry.get("env") or {})}
        own["command"] = [_command_word(word, Path(folder)) for word in entry["command"]]
        if program := (programs or {}).get(entry["appID"]):
            own["command"] = [own["command"][0], str(program)]
        rendered.append(own)
    head = f"# Rendered from {file.name} by `make infra`: absolute paths and this stack's ports. Edits are lost.\n"
    return head + yaml.safe_dump({**content, "common": common, "apps": rendered}, sort_keys=False, width=110)


def _command_word(word: str, folder: Path) -> str:
    return _join(folder, word) if word.startswith((".", "..")) else word


def _absolute(fields: dict[str, Any], base: Path) -> dict[str, Any]:
    changed = dict(fields)
    for name in PATH_FIELDS:
        if changed.get(name):
            changed[name] = _join(base, changed[name])
    if changed.get("resourcesPaths"):
        changed["resourcesPaths"] = [_join(base, one) for one in changed["resourcesPaths"]]
    return changed


def _join(base: Path, path: str) -> str:
    return str((base / Path(path).expanduser()).resolve())
