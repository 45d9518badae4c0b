"""The program as a shell sees it: its streams and its exit code."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from minsu import cli

HERE = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "GATEWAY_URL": "http://127.0.0.1:9"}


def minsu(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "minsu", *arguments],
        env=HERE | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_an_account_it_says_so_in_one_line_and_fails(tmp_path):
    done = minsu("book", "--json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: BUYER_MOBILE is not set",
        "hint: start the system with `make up`, which writes .run/stack.env",
    ]


def test_a_system_that_is_not_there_is_said_in_one_line_and_fails(tmp_path):
    done = minsu("orders", folder=tmp_path, BUYER_MOBILE="1", BUYER_PASSWORD="2")
    assert (done.returncode, done.stdout) == (1, "")
    [error, hint] = done.stderr.splitlines()
    assert error.startswith("error: no answer from http://127.0.0.1:9: ")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("arguments", [["pay"], ["book", "--nights", "0"], ["order"], ["nonsense"]])
def test_a_wrong_command_is_refused_with_usage(tmp_path, arguments):
    done = minsu(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage" in done.stderr


OPERATOR = {"OPERATOR_MOBILE": "1", "OPERATOR_PASSWORD": "2"}


def test_ops_without_an_operators_account_says_so_in_one_line(tmp_path):
    done = minsu("ops", "dead-letters", "--json", folder=tmp_path, BUYER_MOBILE="1", BUYER_PASSWORD="2")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == "error: OPERATOR_MOBILE is not set"


@pytest.mark.parametrize(
    "arguments", [["replay"], ["replay", "order:1", "--all"], ["discard", "order:1"], ["resolve", "0", "--note", "n"]]
)
def test_a_wrong_ops_command_is_refused_with_usage(tmp_path, arguments):
    done = minsu("ops", *arguments, folder=tmp_path, **OPERATOR)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage" in done.stderr


CHANGING = [
    ["replay", "order:1"],
    ["replay", "--all"],
    ["discard", "order:1"],
    ["retry-closing", "HSO1"],
    ["resolve", "1"],
    ["refund-elsewhere", "RFD1", "--to-merchant"],
    ["refund-again", "RFD1"],
    ["approve", "1"],
    ["decline", "1"],
    ["ask-refund-again", "HSO1"],
    ["resend", "1"],
    ["resend-all", "--state", "dead"],
    ["reconcile"],
    ["payout", "--date", "2026-11-22"],
    ["release", "13800000001"],
    ["host-approve", "1"],
    ["host-refuse", "1"],
    ["query-payment", "PMT1"],
]


@pytest.mark.parametrize("arguments", CHANGING, ids=" ".join)
def test_what_changes_something_needs_a_reason(tmp_path, arguments):
    runner = CliRunner(env={"NO_COLOR": "1", "TERM": "dumb"})
    for note, told in (([], "Missing option '--note'"), (["--note", " "], "Invalid value for '--note': say why")):
        done = runner.invoke(cli.app, ["ops", *arguments, *note])
        assert (done.exit_code, done.stdout) == (2, "")
        assert told in done.stderr


LOOKING = {"find", "account"}


def test_every_command_that_takes_a_reason_is_tried_without_one():
    commands = typer.main.get_command(cli.app).commands["ops"].commands
    taking = {name for name, each in commands.items() if any(one.name == "note" for one in each.params)}
    assert taking == LOOKING | {name for name, *_ in CHANGING}


def test_trace_without_jaeger_says_how_to_start_it(tmp_path):
    done = minsu("trace", "HSO2026112309302612345678", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: JAEGER_URL is not set",
        "hint: `make up OBS=1` starts Jaeger and writes it to .run/stack.env",
    ]


def test_trace_exits_with_1_when_jaeger_is_down(tmp_path):
    done = minsu("trace", "HSO2026112309302612345678", folder=tmp_path, JAEGER_URL="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no Jaeger at http://127.0.0.1:9: ")
