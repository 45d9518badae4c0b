"""A child has ended when its block is left, in time, whatever the block was left by."""

import signal
import subprocess
import sys
import time

import pytest

from stack import children

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
IN_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
INTERRUPTED = "from stack import signals; import time; signals.interrupt(); print('up', flush=True); time.sleep(60)"


def test_one_that_ignores_the_signal_is_killed_and_the_error_of_the_block_is_seen() -> None:
    began = time.monotonic()
    with (
        pytest.raises(ZeroDivisionError),
        children.child([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, within=0.2) as deaf,
    ):
        assert deaf.stdout is not None
        assert deaf.stdout.readline() == b"deaf\n"
        raise ZeroDivisionError
    assert deaf.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 30


def test_one_that_has_ended_keeps_its_exit_code() -> None:
    with children.child([sys.executable, "-c", "raise SystemExit(3)"]) as brief:
        brief.wait(20)
    assert brief.returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_background_job_of_a_script_is_interrupted_by_each_signal(number: int) -> None:
    not_nohup = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    argv = [*IN_BACKGROUND, sys.executable, "-c", not_nohup + INTERRUPTED]
    with children.child(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == b"up\n"
        job.send_signal(number)
        assert job.wait(20) in {1, -signal.SIGINT}


def test_under_nohup_the_end_of_the_terminal_is_no_end() -> None:
    argv = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", INTERRUPTED]
    with children.child(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == b"up\n"
        job.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            job.wait(0.3)
