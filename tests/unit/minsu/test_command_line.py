"""The program as a shell sees it: its streams and its exit code."""

import subprocess
import sys

import pytest

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
