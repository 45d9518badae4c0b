"""`make bench-compare BASE=<rev>`: two revisions in turn on this machine, measured by the same program, this one.

The other revision gets a git worktree and an environment in a temporary folder. Its stack and ours are up in turn, never
both; which is first changes with every round. Everything that was made is taken away at the end.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stack import signals
from tests.bench import figures
from tests.bench.figures import Row
from tests.support.stack import free_offset

REPO = Path(__file__).resolve().parents[2]
SET_UP = """
from pathlib import Path
from stack.setup import python_env
python_env.install(Path.cwd(), Path('.bench-logs'))
"""


@dataclass(frozen=True)
class Side:
    """A revision: its tree, and where its stack keeps its data."""

    name: str
    tree: Path
    environment: dict[str, str]

    @property
    def python(self) -> Path:
        return self.tree / ".venv" / "bin" / "python"

    def measure(self, arguments: list[str], into: Path) -> list[Row]:
        """Bring its stack up, measure, take it down. Raises CalledProcessError."""
        run = Path(self.environment["MINSU_RUN_DIR"])
        bench: list[str | Path] = [
            sys.executable,
            "-m",
            "tests.bench",
            "--stack-env",
            run / "stack.env",
            "--json",
            into,
            *arguments,
        ]
        try:
            self._stack("up")
            subprocess.run(bench, cwd=REPO, check=True, stdout=subprocess.DEVNULL)
        finally:
            self._stack("down")
        return figures.of_json(into.read_text(encoding="utf-8"))[0]

    def _stack(self, command: str) -> None:
        argv = [str(self.python), "-m", "stack", command]
        subprocess.run(argv, cwd=self.tree, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def erase(self) -> None:
        self._stack("erase")


@contextlib.contextmanager
def other(base: str, folder: Path) -> Iterator[Path]:
    """A worktree of revision `base` with an environment of its own; what `make setup` fetched is shared."""
    tree = folder / "base"
    subprocess.run(["git", "worktree", "add", "--detach", tree, base], cwd=REPO, check=True, capture_output=True)
    try:
        (tree / ".tools").symlink_to((REPO / ".tools").resolve())
        path = os.environ | {"PYTHONPATH": str(tree / "tools" / "stack" / "src")}
        subprocess.run(["python3", "-c", SET_UP], cwd=tree, env=path, check=True, stdout=sys.stderr)
        yield tree
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=REPO, check=True, capture_output=True)


def compare(base: str, rounds: int, arguments: list[str]) -> tuple[list[Row], list[Row]]:
    """The rows of `base` and of this tree, each of so many rounds."""
    found: dict[str, list[Row]] = {"base": [], "here": []}
    with tempfile.TemporaryDirectory(prefix="minsu-compare-") as name, other(base, Path(name)) as tree:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL does not run as root and must reach its data
        sides = [_side("base", tree, folder), _side("here", REPO, folder)]
        try:
            for number in range(rounds):
                for side in sides if number % 2 == 0 else sides[::-1]:
                    sys.stderr.write(f"round {number + 1} of {rounds}: {side.name}\n")
                    found[side.name] += side.measure([*arguments, "--runs", "1"], folder / "figures.json")
        finally:
            for side in sides:
                side.erase()
    return _merged(found["base"]), _merged(found["here"])


def _side(name: str, tree: Path, folder: Path) -> Side:
    mine = {"MINSU_RUN_DIR": str(folder / f"run-{name}"), "PORT_OFFSET": str(free_offset())}
    return Side(name, tree, os.environ | mine)


def _merged(rows: list[Row]) -> list[Row]:
    return figures.rows_of(each for row in rows for each in row.as_figures())


def show(base: list[Row], here: list[Row], console: Console) -> None:
    """Both medians with their spreads, and the ratio: below 1 is less than the base's."""
    table = Table("", "base", "here", "here ÷ base", box=None, header_style="bold")
    before = {row.name: row for row in base}
    for row in here:
        if (old := before.get(row.name)) is None:
            continue
        both = [f"{each.median:,.2f} {each.unit} ({each.spread:.0f} %)" for each in (old, row)]
        table.add_row(row.name, *both, f"{row.median / old.median:.2f}" if old.median else "")
    console.print(table)


def main() -> None:
    signals.interrupt()  # by SIGTERM too stacks go down and the worktree is removed
    arguments = argparse.ArgumentParser(prog="make bench-compare", description=__doc__)
    arguments.add_argument("base", help="the revision to compare this tree with")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", default="callbacks", help="as of make bench")
    arguments.add_argument("--size", default="0.25", help="as of make bench")
    arguments.add_argument("--json", type=Path, help="write both sides' figures here as well")
    chosen = arguments.parse_args()
    base, here = compare(chosen.base, chosen.rounds, ["--only", chosen.only, "--size", chosen.size])
    show(base, here, Console())
    if chosen.json:
        both = {name: json.loads(figures.as_json(rows, {})) for name, rows in (("base", base), ("here", here))}
        chosen.json.write_text(json.dumps(both, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
