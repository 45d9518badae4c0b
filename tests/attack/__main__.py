"""`make attack`: tries to get in where it must not, on the running system that stack.env names, and prints what answered.

Takes a minute or two and goes to this machine alone. The system is one for tests: orders and accounts are made in it.
"""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from stack import signals
from tests.attack.matrix import GROUPS, attack
from tests.support.rooms import SEEDED
from tests.support.stack import read_stack_env
from tests.support.system import System


def main() -> None:
    signals.interrupt()
    arguments = argparse.ArgumentParser(prog="make attack", description=__doc__)
    arguments.add_argument("--only", default="", help=f"some groups, with commas between: {', '.join(GROUPS)}")
    arguments.add_argument("--json", type=Path, help="write what was found here as well")
    arguments.add_argument("--stack-env", type=Path, default=Path(".run/stack.env"))
    chosen = arguments.parse_args()
    names = tuple(name for name in chosen.only.split(",") if name) or tuple(GROUPS)
    if unknown := set(names) - set(GROUPS):
        sys.exit(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    if not chosen.stack_env.exists():
        sys.exit(f"{chosen.stack_env} is not there: `make up` first")
    system = System(read_stack_env(chosen.stack_env), homestay=SEEDED)
    try:
        report = attack(system, names, say=Console().print)
    finally:
        system.close()
    report.show(Console())
    if chosen.json:
        chosen.json.write_text(json.dumps(report.figures(), ensure_ascii=False, indent=1))
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
