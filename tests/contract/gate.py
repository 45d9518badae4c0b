"""Runs a check of contracts/ for `make check`, unless it has passed over the same contracts, tools and check before."""

import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from stack.setup import contract_tools, progress

REPO = Path(__file__).resolve().parents[2]


def main(module: str, check: Callable[[], Iterable[str]], repo: Path = REPO) -> int:
    """`check` yields what is wrong; `module` is its file's name. Returns the exit code."""
    stamp = stamp_of(module, repo)
    if stamp.exists():
        return 0
    try:
        contract_tools.install(repo, repo / ".tools" / "logs")
    except progress.StepFailed as failure:
        sys.stdout.write(f"{failure}\n")
        return 1
    if wrong := list(check()):
        sys.stdout.write("\n".join(wrong) + "\n")
        return 1
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    return 0


def stamp_of(module: str, repo: Path) -> Path:
    """Where it exists, the check has passed over all that decides its result."""
    folders = (repo / "contracts", repo / contract_tools.FOLDER)
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    files += [*repo.glob("seats/*/asyncapi.yaml"), repo / "versions.env", repo / f"tests/contract/{module}.py"]
    content = hashlib.sha256()
    for file in sorted(files):
        content.update(str(file.relative_to(repo)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return repo / ".tools" / "passed" / f"{module}-{content.hexdigest()[:24]}"
