"""The report: a table for people, JUnit XML for machines."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.cases import Result, Verdict

COLOURS = {Result.PASS: "green", Result.FAIL: "bold red", Result.NOT_RUN: "yellow"}


def show_line(console: Console, verdict: Verdict) -> None:
    """One line while the run goes on."""
    sign = {Result.PASS: "✓", Result.FAIL: "✗", Result.NOT_RUN: "–"}[verdict.result]
    console.print(
        Text.assemble(
            (f"  {sign} ", COLOURS[verdict.result]), f"{verdict.case:<34}", (f"{verdict.seconds:5.1f} s", "dim")
        )
    )


def show(console: Console, subject: str, verdicts: Sequence[Verdict]) -> None:
    table = Table(title=f"Conformance of {subject}", title_justify="left", pad_edge=False)
    table.add_column("case", no_wrap=True)
    table.add_column("what the contract asks")
    table.add_column("result", no_wrap=True)
    table.add_column("why")
    for each in verdicts:
        table.add_row(each.case, each.title, Text(each.result, COLOURS[each.result]), Text(each.reason))
    console.print(table)
    console.print(summary(verdicts), highlight=False)


def summary(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(each.result for each in verdicts)
    return ", ".join(f"{counts[result]} {result}" for result in Result if counts[result])


def write_junit(file: Path, role: str, verdicts: Sequence[Verdict]) -> None:
    counts = Counter(each.result for each in verdicts)
    suite = ET.Element(
        "testsuite",
        name=f"conformance.{role}",
        tests=str(len(verdicts)),
        failures=str(counts[Result.FAIL]),
        errors="0",
        skipped=str(counts[Result.NOT_RUN]),
        time=f"{sum(each.seconds for each in verdicts):.3f}",
    )
    for each in verdicts:
        case = ET.SubElement(
            suite, "testcase", classname=f"conformance.{role}", name=each.case, time=f"{each.seconds:.3f}"
        )
        if each.result is Result.FAIL:
            ET.SubElement(case, "failure", message=each.reason).text = each.title
        elif each.result is Result.NOT_RUN:
            ET.SubElement(case, "skipped", message=each.reason)
    ET.indent(suite)
    file.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)
