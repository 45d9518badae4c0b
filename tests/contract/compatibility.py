"""`python -m tests.contract.compatibility`: refuses what breaks contracts/released, part of `make check`. With
`release <version>` it keeps the contracts of now as that version.

oasdiff compares OpenAPI, and event schemas too: each stands as the body of a request (events of before are still to be
read) and of a response (consumers of before read events of now). Topics, services and problems are names and values.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stack.setup import contract_tools, versions
from tests.contract import gate
from tests.contract.gate import REPO

CONTRACTS = REPO / "contracts"
BREAKING = 3
"""oasdiff's level ERR."""
Tree = Mapping[str, Any]

PROSE = {"description", "summary", "title", "info", "examples", "tags", "zh", "en", "default", "version"}
"""Members that no program goes by. So is every text of more than one word."""
UNBOUND = {"ownLimits", "peers", "components", "outside", "behaviour"}
"""Members of a service's contract that others do not rely on."""
SUMS = "SHA256SUMS"
NAMES = ("name", "topic", "slug", "answer", "$ref")
"""What tells entries of a list apart."""


def breaking(released: Path, now: Path) -> Iterator[str]:
    """Each breaking change from one folder of contracts to another, by its place."""
    yield from _openapi(released, now)
    yield from _schemas(released, now)
    yield from tables(released, now)
    for name in (
        "asyncapi.yaml",
        "problems.json",
        *(f"services/{file.name}" for file in sorted((released / "services").glob("*.yaml"))),
    ):
        if not (now / name).exists():
            yield f"{name}: removed"
        else:
            yield from lost(_load(released / name), _load(now / name), name)


def lost(released: Any, now: Any, place: str) -> Iterator[str]:
    """What was in the released tree and is not, or is another, in the one of now; and what is required that was not."""
    if isinstance(released, Mapping) and isinstance(now, Mapping):
        for name in released:
            if name not in PROSE | UNBOUND:
                yield from _lost(
                    released[name], now.get(name), f"{place}: {name}" if ": " not in place else f"{place}.{name}"
                )
    elif isinstance(released, list) and isinstance(now, list):
        before, after = _by_name(released), _by_name(now)
        for name in before:
            yield from _lost(before[name], after.get(name), f"{place}[{name}]")
        for name, value in after.items():
            if name not in before and isinstance(value, Mapping) and value.get("required") is True:
                yield f"{place}[{name}]: required now"
    elif (
        released != now
        and not (isinstance(released, str) and " " in released)
        and not _is_loosened(released, now, place)
    ):
        yield f"{place}: {released!r} became {now!r}"


def _lost(released: Any, now: Any, place: str) -> Iterator[str]:
    if now is None and released is not None:
        yield f"{place}: removed"
    else:
        yield from lost(released, now, place)


def _is_loosened(released: Any, now: Any, place: str) -> bool:
    return place.endswith(".required") and (released, now) == (True, False)


def _by_name(entries: list[Any]) -> dict[str, Any]:
    return {
        next((str(each[key]) for key in NAMES if isinstance(each, Mapping) and key in each), str(each)): each
        for each in entries
    }


def _openapi(released: Path, now: Path) -> Iterator[str]:
    for file in sorted((released / "openapi").glob("*.json")):
        other = now / "openapi" / file.name
        if not other.exists():
            yield f"openapi/{file.name}: removed"
        elif file.read_bytes() != other.read_bytes():
            for change in oasdiff(file, other):
                yield f"openapi/{file.name}: {change['operation']} {change['path']}: {change['text']}"


def _schemas(released: Path, now: Path) -> Iterator[str]:
    before, after = schemas(released), schemas(now)
    yield from (f"{name}: removed" for name in before if name not in after)
    before = {name: schema for name, schema in before.items() if name in after}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("released.json", "now.json")]
        for file, found in zip(files, (before, after), strict=True):
            file.write_text(json.dumps(_as_openapi({name: found[name] for name in before})))
        for change in oasdiff(*files):
            yield f"{change['path'].removeprefix('/')}: {change['text']}"


def tables(released: Path, now: Path) -> Iterator[str]:
    """A service in another language shares them: a column stays as it is, and a new one takes rows that do not name it."""
    for file in sorted((released / "tables").glob("*.sql")):
        other = now / "tables" / file.name
        before, after = _columns(file), _columns(other) if other.exists() else {}
        for column, definition in before.items():
            if after.get(column) != definition:
                yield f"tables/{file.name}: {column}: {definition} became {after.get(column, 'nothing')}"
        for column in after.keys() - before.keys():
            is_of_known_table = column.partition(".")[0] in {each.partition(".")[0] for each in before}
            if is_of_known_table and "NOT NULL" in after[column] and "DEFAULT" not in after[column]:
                yield f"tables/{file.name}: {column}: required now"


def _columns(file: Path) -> dict[str, str]:
    """`table.column` → its definition."""
    found, table = {}, ""
    for line in file.read_text().splitlines():
        if begun := re.fullmatch(r"CREATE TABLE \"?(\w+)\"? \(", line):
            table = begun[1]
        elif column := re.fullmatch(r"  \"?([a-z]\w*)\"? (.+?),?", line):
            found[f"{table}.{column[1]}"] = column[2]
    return found


def schemas(contracts: Path) -> dict[str, Tree]:
    """By path without the ending: `events/paystatus-updated.v2`."""
    files = sorted(file for folder in ("events", "delivery") for file in (contracts / folder).glob("*.schema.json"))
    return {
        f"{file.parent.name}/{file.name.removesuffix('.schema.json')}": json.loads(file.read_text()) for file in files
    }


def _as_openapi(found: Mapping[str, Tree]) -> Tree:
    def operation(schema: Tree) -> Tree:
        plain = {name: value for name, value in schema.items() if not name.startswith("$")}
        content = {"content": {"application/json": {"schema": plain}}}
        return {
            "post": {"requestBody": content | {"required": True}, "responses": {"200": {"description": "", **content}}}
        }

    paths = {f"/{name}": operation(schema) for name, schema in found.items()}
    return {"openapi": "3.1.0", "info": {"title": "events", "version": "1"}, "paths": paths}


def oasdiff(released: Path, now: Path) -> list[dict[str, Any]]:
    """Breaking changes between two OpenAPI documents. Raises RuntimeError where it cannot read one."""
    severity = REPO / contract_tools.FOLDER / "severity.txt"
    program = contract_tools.oasdiff(REPO)
    argv = [program, "breaking", "-f", "json", "--severity-levels", severity, released, now]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"oasdiff: {done.stderr or done.stdout}")
    changes: list[dict[str, Any]] = json.loads(done.stdout or "null") or []
    return [each for each in changes if each["level"] >= BREAKING]


def newest(contracts: Path = CONTRACTS) -> Path:
    """The contracts of the last release."""
    return max((contracts / "released").iterdir(), key=lambda folder: versions.parse(folder.name))


def unaccepted(contracts: Path = CONTRACTS, changes: Callable[[Path, Path], Iterator[str]] = breaking) -> Iterator[str]:
    """Breaking changes since the last release that contracts/accepted.yaml does not name, and its lines that are none."""
    released = newest(contracts)
    accepted = {each["change"]: each["reason"] for each in _load(contracts / "accepted.yaml")["changes"]}
    found = list(dict.fromkeys(changes(released, contracts)))
    wrong = [f"  {each}" for each in found if not accepted.get(each)]
    stale = [f"  {each}" for each in accepted if each not in found]
    if wrong:
        yield f"breaks the contracts of {released.name} (docs/guides/change.md, A contract):"
        yield from wrong
    if stale:
        yield "contracts/accepted.yaml names what is no breaking change:"
        yield from stale


def release(version: str, contracts: Path = CONTRACTS) -> Path:
    """Keep the contracts of now as `version`. Raises FileExistsError if it is there, ValueError if it is not newer."""
    place = contracts / "released" / version
    if place.exists():
        raise FileExistsError(f"{place} is there: what was released never changes")
    if versions.parse(version) <= versions.parse(newest(contracts).name):
        raise ValueError(f"{version} is not newer than {newest(contracts).name}")
    shutil.copytree(contracts, place, ignore=shutil.ignore_patterns("released", "accepted.yaml", "README.md"))
    (place / SUMS).write_text("".join(f"{total}  {name}\n" for name, total in sums(place).items()))
    head, _, _ = (contracts / "accepted.yaml").read_text().partition("changes:")
    (contracts / "accepted.yaml").write_text(f"{head}changes: []\n")
    return place


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 by file of a release, as `sha256sum` names them."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SUMS)
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def edited(folder: Path) -> list[str]:
    """Files of a release that are not those that were released."""
    kept = [line.split("  ", 1) for line in (folder / SUMS).read_text().splitlines()]
    before, now = {name: total for total, name in kept}, sums(folder)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _load(file: Path) -> Any:
    return yaml.load(file.read_bytes(), yaml.CSafeLoader)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["release", version]:
            sys.stdout.write(f"released as {release(version)}\n")
        case _:
            sys.exit(gate.main("compatibility", unaccepted))
