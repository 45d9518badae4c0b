"""The benchmark's own Go programs: each in a process of its own, so that it is no part of what is measured."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def built(source: Path) -> Path:
    """The program of the folder `source`, built once for each state of its main.go."""
    stamp = (source / "main.go").stat().st_mtime_ns
    program = Path(tempfile.gettempdir()) / f"minsu-bench-{source.name}-{stamp}"
    if not program.exists():
        subprocess.run(["go", "build", "-o", program, "."], cwd=source, check=True)
    return program
