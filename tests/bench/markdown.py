"""`make bench-docs JSON=FILE`: the table of what `make bench --json` wrote, as Markdown, between two marks of a document.

`python -m tests.bench.markdown FIGURES.json [DOCUMENT]` prints it where no document is named. A SECTION has marks and a
table of its own: `<!-- bench tracing: begin -->`.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import figures
from tests.bench.figures import Row


def render(rows: Sequence[Row], machine: Mapping[str, float]) -> str:
    """Two tables: the figures, and the processor time of one unit of work by part."""
    speed = f"This machine: {machine['cores']:.0f} cores, {machine['rsa2048_verify_per_second']:,.0f} RSA-2048"
    speed += f" verifications a second on one core, {machine['fdatasync_ms']:.2f} ms for one durable write."
    lines = [speed, "", _line(("work", *figures.HEAD[1:])), _line(["---"] * len(figures.HEAD))]
    lines += [_line(figures.cells(row)) for row in rows]
    if apart := [row for row in rows if row.by_part]:
        lines += [
            "",
            "Processor time of one unit of work, in ms by part:",
            "",
            _line(("work", "ms")),
            _line(["---"] * 2),
        ]
        lines += [_line((row.name, figures.parts_of(row))) for row in apart]
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def pictures(document: Path) -> str:
    """Links to the plots in the folder that is named after the document."""
    found = sorted(document.with_suffix("").glob("*.svg"))
    return "".join(f"\n![{file.stem}]({file.parent.name}/{file.name})\n" for file in found)


def put_into(document: str, table: str, section: str = "") -> str:
    """`document` with `table` between its marks, those of a `section` where one is named. Raises ValueError where they are
    missing."""
    name = f"bench {section}".strip()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = document.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise ValueError(f"no {begin} … {end}")
    return f"{before}{begin}\n{table}{end}{after}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench-docs", description=__doc__)
    arguments.add_argument("figures", type=Path)
    arguments.add_argument("document", type=Path, nargs="?")
    arguments.add_argument("--section", default="")
    chosen = arguments.parse_args()
    table = render(*figures.of_json(chosen.figures.read_text(encoding="utf-8")))
    if chosen.document is None:
        sys.stdout.write(table)
        return
    if not chosen.section:
        table += pictures(chosen.document)
    document = put_into(chosen.document.read_text(encoding="utf-8"), table, chosen.section)
    chosen.document.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
