"""uv, .venv and the editable members. `uv pip sync` runs only when the lock has changed, for it removes editables."""

from __future__ import annotations

import hashlib
import os
import sys
import tomllib
from pathlib import Path

from stack.setup import progress, versions

SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def members(repo: Path) -> list[Path]:
    """Every workspace member that has a pyproject.toml, as the root one lists them."""
    workspace = tomllib.loads((repo / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    found = {file.parent for glob in workspace["members"] for file in repo.glob(f"{glob}/pyproject.toml")}
    return sorted(found)


def digest(*files: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(str(file.name).encode() + b"\0" + file.read_bytes() + b"\0")
    return whole.hexdigest()


def uv(repo: Path, logs: Path) -> Path:
    """The pinned uv, in an environment of its own."""
    wanted = versions.read(repo / "versions.env")["UV_VERSION"]
    home = repo / ".tools" / "uv"
    binary, stamp = home / "bin" / "uv", home / "version"
    if binary.exists() and stamp.exists() and stamp.read_text() == wanted:
        return binary
    progress.run("Python environment for uv", [sys.executable, "-m", "venv", "--clear", home], log=logs / "uv-venv.log")
    lock = repo / "requirements" / "bootstrap.lock"
    pip: list[str | Path] = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    progress.run(f"uv {wanted}", pip, log=logs / "uv.log")
    stamp.write_text(wanted)
    return binary


def install(repo: Path, logs: Path) -> None:
    tool = uv(repo, logs)
    venv = repo / ".venv"
    env = {"UV_NO_PROGRESS": "1", **_trust(), **os.environ, "VIRTUAL_ENV": str(venv)}
    if not (venv / "bin" / "python").exists():
        make: list[str | Path] = [tool, "venv", "--no-managed-python", "--python", sys.executable, venv]
        progress.run("the environment (.venv)", make, log=logs / "venv.log", env=env, cwd=repo)
    lock = repo / "requirements" / "dev.lock"
    locked, lock_stamp = digest(lock), venv / ".minsu-lock"
    if _text(lock_stamp) != locked:
        sync: list[str | Path] = [tool, "pip", "sync", "--compile-bytecode", "--require-hashes", lock]
        progress.run("libraries from requirements/dev.lock", sync, log=logs / "sync.log", env=env, cwd=repo)
        (venv / ".minsu-members").unlink(missing_ok=True)
        lock_stamp.write_text(locked)
    _editables(repo, tool, logs, env)


def _trust() -> dict[str, str]:
    """The machine's own certificates, as pip, git and Go use them: uv's built-in list knows no company's proxy."""
    return {"UV_SYSTEM_CERTS": "1"} if SYSTEM_CERTIFICATES.exists() else {}


def _editables(repo: Path, tool: Path, logs: Path, env: dict[str, str]) -> None:
    folders = members(repo)
    state = digest(*(folder / "pyproject.toml" for folder in folders)) + "".join(f"\n{f}" for f in folders)
    stamp = repo / ".venv" / ".minsu-members"
    if _text(stamp) == state:
        return
    argv: list[str | Path] = [tool, "pip", "install", "--no-deps", "--no-build-isolation"]
    for folder in folders:
        argv += ["-e", folder]
    progress.run(f"the {len(folders)} members of the workspace", argv, log=logs / "members.log", env=env, cwd=repo)
    stamp.write_text(state)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
