"""Every package of the workspace is under the import rules and mypy: a new one that is not listed would escape both."""

import tomllib
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
TOOL = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]
SOURCES = {
    str(package.parent.relative_to(REPO)): package.name
    for folder in ("apps/*", "libs/*", "clients/*", "tools/*", "conformance")
    for package in REPO.glob(f"{folder}/src/*")
    if (package / "__init__.py").exists()
}


def test_every_package_is_known_to_the_import_linter():
    assert set(TOOL["importlinter"]["root_packages"]) == set(SOURCES.values())


def test_every_package_is_known_to_mypy():
    assert set(TOOL["mypy"]["mypy_path"].split(":")) == set(SOURCES)
