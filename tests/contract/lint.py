"""`python -m tests.contract.lint`: contracts/ held to the field's rules, part of `make check`.

Redocly's strict rules for OpenAPI, AsyncAPI's own parser, the JSON Schema meta-schema and the examples within schemas.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from stack.setup import contract_tools
from tests.contract import gate
from tests.contract.gate import REPO

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def openapi(*files: Path) -> Iterator[str]:
    """What Redocly says of documents."""
    program = contract_tools.packages(REPO) / "node_modules" / ".bin" / "redocly"
    config = REPO / contract_tools.FOLDER / "redocly.yaml"
    yield from _said([program, "lint", "--config", config, "--format=stylish", *files])


def asyncapi(file: Path) -> Iterator[str]:
    """What AsyncAPI's parser says."""
    yield from _said(["node", REPO / contract_tools.FOLDER / "asyncapi.cjs", contract_tools.packages(REPO), file])


def schemas(folder: Path) -> Iterator[str]:
    """What is wrong with the JSON Schemas below a folder, and with the examples that they hold."""
    for file in sorted(folder.rglob("*.schema.json")):
        schema = json.loads(file.read_text())
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            yield f"{file.name}: {error.json_path}: {error.message}"
            continue
        for place, example in enumerate(schema.get("examples", [])):
            for error in Draft202012Validator(schema).iter_errors(example):
                yield f"{file.name}: example {place}: {error.json_path}: {error.message}"


def everything() -> Iterator[str]:
    contracts = REPO / "contracts"
    yield from schemas(contracts)
    yield from openapi(*sorted((contracts / "openapi").glob("*.json")))
    for file in (contracts / "asyncapi.yaml", *sorted(REPO.glob("seats/*/asyncapi.yaml"))):
        yield from asyncapi(file)


def _said(argv: list[str | Path]) -> Iterator[str]:
    done = subprocess.run(argv, env=os.environ | QUIET, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(gate.main("lint", everything))
