"""`RECORD=1`: one process between every sidecar and its app, which passes each byte on and keeps exchanges for tests."""

from __future__ import annotations

from pathlib import Path

from stack.environment import inherited
from stack.errors import StackError
from stack.layout import WIRE, Layout
from stack.processes import Program
from stack.setup import preflight, progress
from stack.setup import recorder as binary


def require(layout: Layout) -> None:
    """Before anything starts: raises StackError with what is missing; builds the recorder the first time."""
    if lacking := binary.missing(layout.repo):
        raise StackError(preflight.report(lacking))
    try:
        binary.install(layout.repo, layout.tools / "logs")
    except progress.StepFailed as failure:
        raise StackError(str(failure)) from None


def links(layout: Layout) -> dict[str, tuple[int, int]]:
    """By app or replica: the port that its sidecar is told, and the app's own."""
    recorded = [name.removesuffix(WIRE) for name in layout.ports if name.endswith(WIRE)]
    return {name: (layout.port(name + WIRE), layout.port(name)) for name in recorded}


def program(layout: Layout) -> Program:
    argv = [
        str(layout.tools / "bin" / "recorder"),
        "-control",
        f"127.0.0.1:{layout.port('recorder')}",
        *(f"{name}={front}:{back}" for name, (front, back) in links(layout).items()),
    ]
    return Program("recorder", argv, inherited(), Path(layout.run))
