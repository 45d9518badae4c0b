"""The command-line client on the real system: every command, its two shapes of answer, its failures."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.rooms import ROOMY

pytestmark = pytest.mark.stack

STEPS = [
    "sign in as the buyer",
    "sign in as the merchant",
    "choose a homestay",
    "order: tonight, one night",
    "prepay at WeChat",
    "the buyer pays in WeChat",
    "the backend confirms",
    "messages on the phone",
    "the merchant checks in",
    "the order is used",
]


@pytest.fixture
def minsu(stack: Mapping[str, str], tmp_path: Path):
    """Runs a command away from the checkout, told of the system by its run folder alone."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).parent / "minsu", *arguments],
            env={"PATH": os.environ["PATH"], "MINSU_RUN_DIR": stack["RUN_DIR"], "NO_COLOR": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def answered(done: subprocess.CompletedProcess[str]):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_script_books_pays_reads_and_checks_in(minsu):
    booked = answered(minsu("book", "--homestay", str(ROOMY), "--nights", "2", "--people", "2", "--json"))
    sn = booked["order_sn"]
    assert booked.keys() == {"order_sn", "out_trade_no", "total_fen", "prepay_id"}
    unpaid = answered(minsu("order", sn, "--json"))
    assert (unpaid["trade_state"], unpaid["pay_status"], unpaid["checkin_code"]) == (0, 0, None)
    assert (unpaid["total_fen"], unpaid["out_trade_no"]) == (booked["total_fen"], booked["out_trade_no"])

    paid = answered(minsu("pay", sn, "--json"))
    assert (paid["confirmed"], paid["out_trade_no"], paid["trade_state"]) == (True, booked["out_trade_no"], 1)
    order = answered(minsu("order", sn, "--json"))
    assert (order["sn"], order["trade_state"], order["pay_status"]) == (sn, 1, 1)

    checked_in = answered(minsu("checkin", order["checkin_code"], "--json"))
    assert checked_in == {"order_sn": sn, "trade_state": 2}
    newest = answered(minsu("orders", "--state", "2", "--count", "1", "--json"))
    assert [(row["sn"], row["trade_state"], row["total_fen"]) for row in newest] == [(sn, 2, booked["total_fen"])]


def test_the_demo_shows_each_step_with_its_time_and_ends_checked_in(minsu):
    done = minsu("demo")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for line, step in zip(lines, STEPS, strict=False):
        assert line.startswith(f"✓ {step}")
        assert " ms " in line
    assert len([line for line in lines if "✉" in line]) == 2
    assert lines[-1].endswith("is checked in")


def test_the_demos_json_has_the_same_facts(minsu):
    shown = answered(minsu("demo", "--json"))
    assert [step["step"] for step in shown["steps"]] == STEPS
    assert (shown["trade_state"], shown["checked_in"], len(shown["messages"])) == (2, True, 2)


def test_a_cancelled_order_cannot_be_paid_and_says_why(minsu):
    sn = answered(minsu("book", "--homestay", str(ROOMY), "--json"))["order_sn"]
    assert answered(minsu("cancel", sn, "--json"))["trade_state"] == -1
    refused = minsu("pay", sn)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith("error: ")
    assert answered(minsu("order", sn, "--json"))["trade_state"] == -1


def test_a_field_that_is_wrong_is_named(minsu):
    refused = minsu("book", "--homestay", str(ROOMY), "--people", "9999")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "(field livePeopleNum)" in refused.stderr
