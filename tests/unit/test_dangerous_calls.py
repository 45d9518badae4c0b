"""What the services never do: run another program, evaluate text, unpickle, parse XML."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "notification", "order", "payment", "servicekit", "travel", "usercenter")
MODULES = frozenset(
    {"code", "dill", "marshal", "pickle", "pty", "shelve", "subprocess", "xml", "lxml", "xmlrpc", "yaml"}
)
CALLS = frozenset({"eval", "exec", "compile", "__import__"})
"""As plain names: `re.compile` is another."""
OF_OS = frozenset({"system", "popen", "fork", "execv", "execve", "execvp", "spawnv", "spawnl", "posix_spawn"})


def dangerous(tree):
    """`line 3: pickle` for each import and call above."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [each.name for each in names if each.name.partition(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES:
                found = [module]
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                found = [name]
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in OF_OS:
                found = [f"os.{name}"]
            case ast.Attribute(attr="from_string"):
                found = ["a template of text"]
            case _:
                continue
        yield from (f"line {node.lineno}: {each}" for each in found)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_service_runs_a_program_evaluates_text_or_opens_a_dangerous_format(package):
    [root] = REPO.glob(f"*/{package}/src/{package}")
    found = {path.name: list(dangerous(ast.parse(path.read_text()))) for path in root.rglob("*.py")}
    assert len(found) > 5
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess",
        "from xml.etree import ElementTree",
        "import pickle as p",
        "eval(text)",
        "compile(text, '', 'exec')",
        "os.system(text)",
        "environment.from_string(text)",
    ],
)
def test_each_of_them_would_be_found(line):
    assert len(list(dangerous(ast.parse(line)))) == 1


def test_a_regular_expression_is_none_of_them():
    assert list(dangerous(ast.parse("re.compile('x')"))) == []
