"""`python -m payment reconcile` as a shell sees it."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from tests.service.payment import bill as bills
from tests.service.payment.test_callback import rows
from tests.service.payment.test_reconciliation import OURS, World
from tests.service.payment.wechat import APPID, MCHID


@pytest.fixture
def reconcile(database_url):
    def run(*arguments):
        environment = {
            "PATH": os.environ["PATH"],
            "PAYMENT_DATABASE_URL": database_url,
            "PAYMENT_WXPAY_MCHID": MCHID,
            "PAYMENT_WXPAY_APPID": APPID,
            "PAYMENT_WXPAY_MCH_SERIAL": "7" * 40,
            "PAYMENT_WXPAY_NOTIFY_URL": "https://minsu.example/pay",
            "PAYMENT_WXPAY_REFUND_NOTIFY_URL": "https://minsu.example/refund",
        }
        command = [sys.executable, "-m", "payment", "reconcile", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


async def test_the_report_is_all_of_the_output_and_progress_is_json_lines(db, reconcile, tmp_path):
    world = World(db)
    waiting = await world.payment(1, status=0)
    lines = [bills.sale(waiting, 19900, "T1", **OURS), bills.sale("PMT-unknown", 1, "T9", **OURS)]
    file = bills.write(tmp_path / "bill.csv", *lines)

    done = reconcile("--date", "2026-11-22", "--bill", str(file), "--format", "json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [(row["kind"], row["outcome"]) for row in document["differences"]] == [
        ("missing_here", "review"),
        ("state", "settled"),
    ]
    phases = [json.loads(line)["phase"] for line in done.stderr.splitlines()]
    assert (phases[0], phases[-1], set(phases)) == ("read", "repair", {"read", "compare", "repair"})
    assert len(await rows(db, "outbox")) == 1

    again = reconcile("--date", "2026-11-22", "--bill", str(file), "--format", "json")
    assert again.stdout == done.stdout
    table = list(
        csv.DictReader(io.StringIO(reconcile("--date", "2026-11-22", "--bill", str(file), "--format", "csv").stdout))
    )
    assert [row["number"] for row in table] == ["PMT-unknown", waiting]
    assert reconcile("--date", "2026-11-22", "--bill", str(file)).stdout.startswith("Reconciliation of 2026-11-22\n")
    assert len(await rows(db, "outbox")) == 1


async def test_another_days_bill_is_one_line_of_error(db, reconcile, tmp_path):
    file = bills.write(tmp_path / "bill.csv", bills.sale("PMT1", 1, "T1", **OURS))
    done = reconcile("--date", "2026-11-21", "--bill", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "error: 1 payments of the bill are not of 2026-11-21"
    assert await rows(db, "reconciliation_difference") == []


@pytest.mark.parametrize(
    "arguments", [["--date", "yesterday"], ["--bill", "/nowhere.csv"], ["--format", "xml"], ["--date", "2026-02-30"]]
)
def test_wrong_options_are_refused_with_usage(reconcile, arguments):
    done = reconcile(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage" in done.stderr
