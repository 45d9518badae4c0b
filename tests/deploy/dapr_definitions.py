"""Checks every Dapr file against Dapr's own definitions, strictly: a field that Dapr does not know is refused by its name.

`python -m tests.deploy.dapr_definitions`; part of `make check`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from stack import daprfile
from stack.errors import StackError
from stack.layout import REPO

DEFINITIONS = Path("deploy") / "crds" / "dapr"
RESOURCES = (
    "components",
    "dapr/subscriptions",
    "dapr/resiliency",
    "dapr/access",
    "seats/*/resources",
    "seats/*/access",
)
CONFIGURATION = Path("dapr") / "config.yaml"
KINDS_OF_VALUE = {
    "env": dict, "command": list, "resourcesPaths": list,
    "enableProfiling": bool, "enableAppHealthCheck": bool, "enableApiLogging": bool, "appSSL": bool,
    "appMaxConcurrency": int, "appHealthProbeInterval": int, "appHealthProbeTimeout": int, "appHealthThreshold": int,
    "appPort": int, "daprHTTPPort": int, "daprGRPCPort": int, "daprInternalGRPCPort": int, "metricsPort": int,
    "profilePort": int, "createService": bool,
}  # fmt: skip

Schemas = dict[tuple[str, str], dict[str, Any]]


def everything(repo: Path) -> int:
    """Returns the number of resources that were checked. Raises StackError that lists everything that is wrong."""
    schemas = definitions(repo / DEFINITIONS)
    files = [file for folder in RESOURCES for file in sorted(repo.glob(f"{folder}/*.yaml"))]
    wrong: list[str] = []
    count = 1
    for file in [*files, repo / CONFIGURATION]:
        for document in yaml.safe_load_all(file.read_text()):
            count += 1
            wrong += [f"{file.relative_to(repo)}: {problem}" for problem in problems(document, schemas)]
    for run_file in (repo / "dapr" / "dapr.yaml", *sorted(repo.glob("seats/*/dapr.yaml"))):
        name = run_file.relative_to(repo)
        wrong += [f"{name}: {problem}" for problem in run_file_problems(yaml.safe_load(run_file.read_text()))]
    if wrong:
        raise StackError("\n".join(wrong))
    return count


def definitions(folder: Path) -> Schemas:
    """(apiVersion, kind) → schema, after the vendored files have been held to their checksums."""
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        wanted, _, name = line.partition("  ")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
            raise StackError(f"{folder / name} is not the file that SHA256SUMS names")
    found: Schemas = {}
    for file in folder.glob("*.yaml"):
        for definition in filter(None, yaml.safe_load_all(file.read_text())):
            spec = definition["spec"]
            for version in spec["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = _strict(schema, top=True)
    return found


def _strict(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    """An API server refuses unknown fields when asked to be strict; JSON Schema must be told for every object."""
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {name: _strict(inner) for name, inner in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    if isinstance(schema.get("additionalProperties"), dict):
        closed["additionalProperties"] = _strict(schema["additionalProperties"])
    if isinstance(schema.get("items"), dict):
        closed["items"] = _strict(schema["items"])
    if top:
        closed["required"] = sorted({*schema.get("required", []), "apiVersion", "kind", "metadata"})
    return closed


def problems(document: Any, schemas: Schemas) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "not a mapping"
        return
    identity = (str(document.get("apiVersion")), str(document.get("kind")))
    schema = schemas.get(identity)
    if schema is None:
        yield f"Dapr knows no kind {identity[1]!r} in {identity[0]!r}"
        return
    for error in Draft202012Validator(schema).iter_errors(document):
        place = ".".join(str(part) for part in error.absolute_path) or "the resource"
        yield f"{place}: {error.message}"
    metadata = document.get("metadata")
    if not (isinstance(metadata, dict) and isinstance(metadata.get("name"), str)):
        yield "metadata.name is missing"
    if identity[1] in {"Component", "Subscription", "Resiliency"} and not document.get("scopes"):
        yield "no scopes: every app would get it"


def run_file_problems(content: Any) -> Iterator[str]:
    """dapr.yaml against the fields of the CLI's structs: the CLI itself ignores unknown fields."""
    yield from _unknown("", content, daprfile.TOP_FIELDS)
    common = content.get("common") or {}
    yield from _unknown("common.", common, daprfile.SHARED_FIELDS)
    yield from _wrong_types("common.", common)
    for index, app in enumerate(content.get("apps") or []):
        place = f"apps.{index}."
        yield from _unknown(place, app, {**daprfile.SHARED_FIELDS, **daprfile.APP_FIELDS})
        yield from _wrong_types(place, app)
        yield from (f"{place}{field} is missing" for field in ("appID", "appDirPath") if not app.get(field))
        if common.get("env") and not app.get("env"):
            yield f"{place}env is missing: with an env in common the CLI panics on an app that has none"


def _unknown(place: str, fields: dict[str, Any], known: Any) -> Iterator[str]:
    yield from (f"{place}{name} is no field of the Dapr CLI" for name in fields if name not in known)


def _wrong_types(place: str, fields: dict[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        wanted = KINDS_OF_VALUE.get(name, str)
        if name in {"appID", "appDirPath", *daprfile.SHARED_FIELDS, *daprfile.APP_FIELDS} and type(value) is not wanted:
            yield f"{place}{name} is a {type(value).__name__}, not a {wanted.__name__}"


def main() -> int:
    try:
        count = everything(REPO)
    except StackError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} Dapr resources are what Dapr says they should be\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
