"""Half a minute of everything going wrong, with guests in the house; then all accounts must agree."""

import asyncio

import pytest
from rich.console import Console

from tests.chaos import report
from tests.chaos.disk import Disk
from tests.chaos.journal import Journal
from tests.chaos.run import SHORT, run

pytestmark = pytest.mark.stack
REFUNDED = 3


def test_nothing_is_lost_and_nothing_doubled_whatever_dies(machine, record_testsuite_property):
    disk = Disk(machine.run / "tiny-disk", machine)
    journal = Journal(machine.run / "journal.jsonl")
    left_out = disk.mount()
    try:
        result = asyncio.run(run(machine, SHORT, disk, left_out, journal))
    finally:
        disk.unmount()
        journal.close()
    report.show(Console(width=120), result)
    record_testsuite_property("chaos_longest_recovery_s", str(result["longest_recovery_s"]))

    assert result["findings"] == []
    assert (result["lost"], result["doubled"]) == (0, 0)
    assert result["faults"] >= 12
    assert result["guests_astonished"] == []
    assert result["payments_wechat_took"] >= 10
    assert result["orders_by_state"].get(REFUNDED, 0) >= 1
    assert result["fen"]["wechat_holds"] == result["fen"]["payment_says"] > 0
