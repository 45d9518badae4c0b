"""The import contracts of pyproject.toml name some modules one by one: none of that kind may be missing."""

import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
IMPORTLINTER = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = IMPORTLINTER["contracts"]


@pytest.mark.parametrize(("kind", "contract"), [("repository", "Repositories"), ("states", "States")])
def test_every_module_of_a_kind_is_under_its_contract(kind: str, contract: str):
    named = next(set(each["source_modules"]) for each in CONTRACTS if each["name"].startswith(contract))
    files = [file for file in REPO.glob(f"apps/*/src/**/*{kind}.py") if "wechatsim" not in file.parts]
    modules = {".".join(file.with_suffix("").parts[file.parts.index("src") + 1 :]) for file in files}

    by_pattern = {each for each in modules if each.count(".") == 1 and each.endswith(f".{kind}")}
    assert modules - by_pattern == {each for each in named if "*" not in each}
    assert f"*.{kind}" in named


def test_every_list_of_packages_is_whole():
    """A package that a list lacks escapes its rule."""
    packages = set(IMPORTLINTER["root_packages"])
    own = packages - {"servicekit"}
    kit = "conformance"
    deployed = packages - {"minsu", "stack", kit}
    named = {each["name"]: each for each in CONTRACTS}

    assert (
        set(named["No service imports another, the client or the sandbox: they share contracts/ only"]["modules"])
        == own - {kit}  # it starts what it tries by the stack
    )
    alone = next(each for each in CONTRACTS if each.get("source_modules") == [kit])
    assert set(alone["forbidden_modules"]) == packages - {kit, "stack"}
    assert set(named["servicekit knows no service"]["forbidden_modules"]) == own
    assert set(named["Only servicekit speaks to Dapr's SDK"]["source_modules"]) == own
    assert set(named["The SDK that we test against is never what we run on"]["source_modules"]) == deployed


def test_every_package_has_its_layers():
    layered = {each for contract in CONTRACTS if contract["type"] == "layers" for each in contract["containers"]}

    assert set(IMPORTLINTER["root_packages"]) <= layered
    assert all(contract["exhaustive"] for contract in CONTRACTS if contract["type"] == "layers")
