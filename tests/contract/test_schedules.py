"""When cron jobs run: the documents say what the components do, and the alert about a day waits for both of its jobs."""

import re
from datetime import time
from pathlib import Path

import pytest
import yaml

from payment.daily import days
from servicekit.clock import SHANGHAI

REPO = Path(__file__).resolve().parents[2]
WHERE, RUNBOOK, RECONCILIATION = (
    (REPO / "docs" / name).read_text() for name in ("where.md", "runbook.md", "guides/reconciliation.md")
)


def schedules() -> dict[str, str]:
    """By job, as its component says it."""
    found = {}
    for path in (REPO / "components").glob("*.yaml"):
        component = yaml.safe_load(path.read_text())
        if component.get("spec", {}).get("type") == "bindings.cron":
            [found[path.stem]] = [each["value"] for each in component["spec"]["metadata"] if each["name"] == "schedule"]
    return found


def in_words(schedule: str) -> str:
    if interval := re.fullmatch(r"@every (\d+)s", schedule):
        return f"{interval[1]} s"
    return f"{in_shanghai(schedule):%H:%M} in Shanghai"


def in_shanghai(schedule: str) -> time:
    """Of a schedule in UTC, `second minute hour` and every day."""
    minute, hour = re.fullmatch(r"CRON_TZ=UTC 0 (\d+) (\d+) \* \* \*", schedule).groups()
    return time((int(hour) + 8) % 24, int(minute), tzinfo=SHANGHAI)


def daily() -> tuple[time, time]:
    found = schedules()
    return in_shanghai(found["payment-daily-reconciliation"]), in_shanghai(found["payment-daily-payouts"])


@pytest.mark.parametrize("job", schedules())
def test_the_table_of_jobs_says_when_each_runs(job):
    section = WHERE.partition("\n## Jobs\n")[2].partition("\n## ")[0]
    [row] = [line for line in section.splitlines() if line.startswith("|") and f"`{job}`" in line]
    assert row.split("|")[2].strip().startswith(in_words(schedules()[job]))


def test_the_daily_jobs_run_when_runbook_and_guide_say():
    reconciliation, payouts = (f"{at:%H:%M}" for at in daily())
    assert f"cron did not run at {reconciliation} or {payouts}." in RUNBOOK
    assert f"At {reconciliation} in Shanghai the Dapr cron `payment-daily-reconciliation`" in RECONCILIATION.replace(
        "\n", " "
    )
    assert f"At {payouts} `payment-daily-payouts`" in RECONCILIATION
    [row] = [line for line in WHERE.splitlines() if "`components/payment-daily-payouts.yaml`: `schedule`" in line]
    assert f"({reconciliation}, {payouts})" in row.split("|")[1]


def test_a_day_is_due_when_both_of_its_jobs_have_run():
    assert max(daily()) == days.DUE
