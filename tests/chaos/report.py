"""What a run came to: a table for people, JSON for scripts."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.books import Books
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Finding
from tests.chaos.journal import Journal


def figures(journal: Journal, books: Books, findings: list[Finding], **more: Any) -> dict[str, Any]:
    """Everything that was counted, measured and found."""
    kinds = Counter(finding.kind for finding in findings)
    faults = [entry["kind"] + (f" {entry['target']}" if entry["target"] else "") for entry in journal.of("fault")]
    paid = [entry["took"] for entry in journal.of("seen-paid")]
    recoveries = recovery(journal)
    return more | {
        "faults": len(faults),
        "faults_by_kind": dict(sorted(Counter(faults).items())),
        "levers_failed": [f"{entry['fault']}: {entry['why']}" for entry in journal.of("lever-failed")],
        "guests": len(journal.of("booked")),
        "refunds_decided": dict(sorted(Counter(entry["state"] for entry in journal.of("refund-decided")).items())),
        "parts_refunded": len(journal.of("part-refunded")),
        "hosts_gave_more": len(journal.of("gave-more")),
        "orders_by_state": dict(sorted(Counter(row["trade_state"] for row in books.orders.values()).items())),
        "payments_wechat_took": len(books.paid_fen),
        "events": sum(len(books.ours[service]["outbox"]) for service in ("order", "payment")),
        "messages": len(books.sim["message"]),
        "troubles_clients_rode_out": len(journal.of("trouble")),
        "broken_answers": len(journal.of("broken-answer")),
        "server_errors": len(journal.of("server-error")),
        "guests_gave_up": len(journal.of("guest-gave-up")) + len(journal.of("guest-sent-home")),
        "guests_astonished": [entry["why"] for entry in journal.of("guest-astonished")],
        "fen": _fen(books),
        "longest_recovery_s": max(recoveries.values(), default=0.0),
        "recovery_by_fault_s": recoveries,
        "tap_to_paid_s": {"median": median(paid), "longest": max(paid)} if paid else {},
        LOST: kinds[LOST],
        DOUBLED: kinds[DOUBLED],
        WRONG: kinds[WRONG],
        STUCK: kinds[STUCK],
        "findings": [asdict(finding) for finding in findings],
    }


def recovery(journal: Journal) -> dict[str, float]:
    """The longest time from each kind of fault's beginning to the first guest after its end who saw an order paid."""
    progress = [entry["at"] for entry in journal.of("seen-paid")]
    longest: dict[str, float] = {}
    for entry in journal.of("fault"):
        if entry["kind"] == "wechat":
            continue
        first = next((moment for moment in progress if moment > entry["at"]), None)
        if first is not None:
            name = f"{entry['kind']} {entry['target']}".strip()
            longest[name] = round(max(longest.get(name, 0.0), first - entry["began"]), 2)
    return longest


def _fen(books: Books) -> dict[str, int]:
    paid = [row for row in books.payments.values() if row["pay_status"] in {1, 2}]
    return {
        "wechat_holds": sum(books.paid_fen.values()) - sum(books.refunded_fen.values()),
        "payment_says": sum(row["total_fen"] - row["refunded_fen"] for row in paid),
    }


def show(console: Console, result: dict[str, Any]) -> None:
    table = Table("fault", "times", "longest recovery", title=f"Chaos, seed {result['seed']}", header_style="bold")
    for name, times in result["faults_by_kind"].items():
        took = result["recovery_by_fault_s"].get(name)
        table.add_row(name, str(times), f"{took:.1f} s" if took else "")
    console.print(table)
    summary = Table.grid(padding=(0, 2))
    for name in (
        "faults", "guests", "orders_by_state", "refunds_decided", "parts_refunded", "hosts_gave_more",
        "payments_wechat_took", "events", "messages", "fen",
        "troubles_clients_rode_out", "server_errors", "broken_answers", "guests_gave_up", "guests_astonished",
        "tap_to_paid_s", "longest_recovery_s", "seconds", "quiet_s", "left_out",
    ):  # fmt: skip
        summary.add_row(name.replace("_", " "), str(result.get(name, "")))
    for name in (LOST, DOUBLED, WRONG, STUCK):
        summary.add_row(f"[bold]{name}", f"[bold {'red' if result[name] else 'green'}]{result[name]}")
    console.print(summary)
    for finding in result["findings"][:40]:
        console.print(
            f"  [red]{finding['kind']}[/] {finding['about']}: {finding['what']}", highlight=False, markup=True
        )
    for failed in result["levers_failed"]:
        console.print(f"  lever failed: {failed}", highlight=False, markup=False)


def write(file: Path, result: dict[str, Any]) -> None:
    file.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
