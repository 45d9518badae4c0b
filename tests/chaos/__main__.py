"""`python -m tests.chaos`: a run of its own on ports and in a folder of its own. Exit code 1 when something is wrong."""

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stack import leftovers, signals
from tests.chaos import report
from tests.chaos.disk import Disk
from tests.chaos.findings import KINDS
from tests.chaos.journal import Journal
from tests.chaos.machine import TOLD, Machine
from tests.chaos.run import SHORT, Plan, run
from tests.support.stack import free_offset

console = Console()


def main(
    *,
    seed: Annotated[int, typer.Option(help="decides guests, faults and their moments")] = 20261123,
    faults: Annotated[int, typer.Option(help="how many")] = 220,
    minutes: Annotated[float, typer.Option(help="of load; the faults are spread over it")] = 15,
    short: Annotated[bool, typer.Option("--short", help="a minute and a half in all")] = False,
    replicas: Annotated[
        str, typer.Option(help="how many of each service, as REPLICAS of `make up`; one of each in a short run")
    ] = "order=2 payment=2 notification=2",
    json: Annotated[Path | None, typer.Option(help="write the figures here too")] = None,
    run_dir: Annotated[Path | None, typer.Option(help="keep the run folder there")] = None,
    offset: Annotated[int | None, typer.Option(help="move every port by this")] = None,
) -> None:
    plan = replace(SHORT, seed=seed) if short else Plan(seed, faults, minutes * 60)
    beside = {} if short else {"REPLICAS": replicas}
    folder = run_dir or Path(tempfile.mkdtemp(prefix="minsu-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    machine = Machine(folder, free_offset() if offset is None else offset, TOLD | beside)
    disk = Disk(Path(leftovers.session_folder() or folder) / "tiny-disk", machine)
    console.print(f"starting the system in {folder}", highlight=False, soft_wrap=True)
    journal = Journal()
    try:
        machine.start()
        refusal = disk.mount()
        journal = Journal(folder / "journal.jsonl")
        left_out = f"disk full: {refusal}" if refusal else ""
        result = asyncio.run(run(machine, plan, disk, left_out, journal))
    finally:
        disk.unmount()
        machine.stop()
        journal.close()
    report.show(console, result)
    if json:
        report.write(json, result)
    bad = sum(result[kind] for kind in KINDS)
    if not bad and run_dir is None:
        machine.erase()
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    signals.interrupt()
    with leftovers.Run():
        typer.run(main)
