"""docs/where.md, where a stranger looks up the place of a change: all that it names exists, and nothing has no row."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from tests.support.services import APPS, modules

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "where.md").read_text()
PACKAGES = {each.name: each for each in REPO.glob("*/*/src/*") if (each / "__init__.py").exists()}
SUFFIXES = ("css", "env", "html", "js", "json", "lock", "md", "py", "sql", "toml", "yaml", "yml")
PLACE = re.compile(r"`([^`\s]+)`(?:: ((?:`[^`/]+`(?:, )?)+))?")
"""A name in backticks; after a file and a colon come what is to be found in it."""


def _path(name: str) -> Path | None:
    """None for a name that is no file's or folder's."""
    if not name.endswith("/") and name.rpartition(".")[2] not in SUFFIXES:
        return None
    if any(character in name for character in "<>…*"):
        return None
    package, _, rest = name.partition("/")
    return PACKAGES[package] / rest if package in PACKAGES and rest else REPO / name


def _places() -> Iterator[tuple[str, Path, list[str]]]:
    for line in PAGE.splitlines():
        for name, symbols in PLACE.findall(line):
            if "/" in name and (path := _path(name)):
                yield name, path, re.findall(r"`([^`]+)`", symbols)


@cache
def _defined(path: Path) -> frozenset[str]:
    """What a module defines, `Class.member` included."""
    return frozenset(_names(ast.parse(path.read_text()).body))


def _names(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _names(statement.body, f"{prefix}{name}.")
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from (prefix + each.id for each in ast.walk(target) if isinstance(each, ast.Name))
            case _:
                pass


def test_every_file_that_it_names_is_there():
    assert [name for name, path, _ in _places() if not path.exists()] == []


def test_every_name_after_a_file_or_folder_is_in_it():
    lost = []
    for name, path, symbols in _places():
        if path.is_dir():
            lost += [f"{name}: {each}" for each in symbols if not (path / each).exists()]
        elif path.suffix == ".py" and path.exists():
            lost += [f"{name}: {each}" for each in symbols if each not in _defined(path)]
        elif path.is_file():
            lost += [
                f"{name}: {each}"
                for each in symbols
                if not re.search(rf"(?<!\w){re.escape(each)}(?!\w)", path.read_text())
            ]
    assert lost == []


def test_every_name_that_is_said_to_be_there_is_in_the_file_before_it():
    found = [
        (_files(line[: there.start()])[-1], re.findall(r"`([^`]+)`", there[1]))
        for line in PAGE.splitlines()
        for there in re.finditer(r"((?:`\w+`(?:, )?)+) there", line)
    ]
    assert len(found) >= 5
    assert [each for each in found if not {*each[1]} <= _defined(each[0])] == []


def _files(text: str) -> list[Path]:
    return [path for name, _ in PLACE.findall(text) if name.endswith(".py") and (path := _path(name))]


def _in_use(folder: Path, pattern: str) -> Iterator[Path]:
    for path in sorted(folder.rglob(pattern)):
        if "versions" not in path.parts and path.name not in {"__init__.py", "env.py"}:
            yield path


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_module_page_and_script_has_a_row(package):
    named = {path for _, path, _ in _places()}
    found = [path for pattern in ("*.py", "*.js", "*.css", "*.html") for path in _in_use(PACKAGES[package], pattern)]
    assert [str(each.relative_to(REPO)) for each in found if each not in named and each.name != "__main__.py"] == []


@pytest.mark.parametrize("app", APPS)
def test_every_setting_is_listed(app):
    classes = [each for each in vars(import_module(f"{app}.settings")).values() if isinstance(each, type)]
    fields = {name for each in classes if issubclass(each, BaseSettings) for name in each.model_fields}
    assert fields
    assert sorted(each for each in fields if f"`{each}`" not in PAGE) == []


def test_every_job_is_listed():
    jobs = [path.stem for path in (REPO / "components").glob("*.yaml") if "bindings.cron" in path.read_text()]
    assert jobs
    assert [each for each in jobs if f"`{each}`" not in PAGE] == []


def test_every_topic_is_listed():
    channels = yaml.safe_load((REPO / "contracts" / "asyncapi.yaml").read_text())["channels"].values()
    topics = [each["address"] for each in channels if not each["address"].endswith(".dlq")]
    assert topics
    assert [each for each in topics if f"`{each}`" not in PAGE] == []


def test_every_table_is_listed():
    tables = [name for each in modules("models").values() for name in each.Base.metadata.tables]
    assert tables
    assert [each for each in tables if f"`{each}`" not in PAGE] == []


def test_every_alert_is_listed():
    files = (REPO / "deploy" / "observability").glob("*.yaml")
    alerts = [name for file in files for name in re.findall(r"- alert: (\w+)", file.read_text())]
    assert alerts
    assert [each for each in alerts if f"`{each}`" not in PAGE] == []


def test_every_helper_of_tests_is_listed():
    named = {path for _, path, _ in _places()}
    folders = [REPO / "tests" / "support", *(REPO / "tests" / "service").glob("*/")]
    found = [path for folder in folders for path in folder.glob("*.py")]
    helpers = [path for path in found if path.name not in {"__init__.py", "conftest.py"} and path.name[:5] != "test_"]
    assert len(helpers) > 40
    assert [str(path.relative_to(REPO)) for path in helpers if path not in named] == []
