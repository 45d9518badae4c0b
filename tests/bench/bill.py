"""A day's trade bill of many lines against as many payments in the books: how long, and in how much memory."""

import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from stack import children
from tests.bench import seeding
from tests.bench.figures import Figure
from tests.service.payment import bill as bills
from tests.support.stack import read_stack_env
from tests.support.system import System

UNUSED_DAY = (
    "select coalesce(max(pay_time at time zone 'Asia/Shanghai')::date, '2020-01-01') + 1 as day"
    " from third_payment where pay_time < '2025-01-01'"
)
"""A day in Shanghai without payments: those of an earlier run would be missing on this run's bill."""
PAID = (
    "update third_payment set pay_status = 1, version = 1, trade_state = 'SUCCESS', bank_type = 'OTHERS',"
    " transaction_id = '4299' || right(sn, 22), pay_time = %s where sn between %s and %s"
)
RUN = (
    "select r.state, (select count(*) from reconciliation_difference d where d.bill_date = r.bill_date) as differences"
    " from reconciliation r where bill_date = %s"
)


def reconciling(system: System, lines: int) -> list[Figure]:
    """Every line fits: what is measured is reading, comparing and writing the run down."""
    orders = seeding.waiting_payments(system, lines)
    [unused] = system.rows("payment", UNUSED_DAY)
    day, sns = unused["day"], orders.payment_sns()
    paid_at = f"{day} 10:00:00"
    system.rows("payment", PAID, paid_at + "+08", sns[0], sns[-1])
    system.rows("payment", "vacuum analyze third_payment")
    merchant = {"appid": system.environment["WXPAY_APPID"], "mchid": system.environment["WXPAY_MCHID"]}
    with tempfile.TemporaryDirectory() as folder:
        file = bills.write(
            Path(folder) / "bill.csv",
            *(bills.sale(sn, orders.total_fen, f"4299{sn[-22:]}", at=paid_at, **merchant) for sn in sns),
        )
        seconds, megabytes = _reconcile(system, day, file)
    [run] = system.rows("payment", RUN, day)
    name = f"a bill of {lines:,} lines"
    note = f"state {run['state']}, {run['differences']} differences"
    return [
        Figure(f"{name} reconciled", "s", seconds, None, 60, less_is_better=True, note=note),
        Figure(f"{name}, memory", "MB", megabytes, None, 200, less_is_better=True),
    ]


def _reconcile(system: System, day: date, file: Path) -> tuple[float, float]:
    run = Path(system.environment["RUN_DIR"])
    env = os.environ | read_stack_env(run / "env" / "payment.env")
    env["DAPR_HTTP_PORT"] = system.environment["PAYMENT_DAPR_HTTP_PORT"]
    argv = [sys.executable, "-m", "payment", "reconcile", "--date", str(day), "--bill", str(file), "--format", "json"]
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = children.start(argv, env=env, stdout=output, stderr=output)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak_kilobytes(process.pid))
            time.sleep(0.1)
        seconds = time.monotonic() - began
        if process.returncode:
            output.seek(0)
            sys.exit(output.read()[-3000:].decode(errors="replace"))
    return seconds, peak / 1024


def _peak_kilobytes(pid: int) -> int:
    """The most that the program itself has had resident. `ru_maxrss` would count what we had when it was forked from us."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0  # it has just ended
