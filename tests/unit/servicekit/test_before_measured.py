"""A gauge that wakes an operator at 0 is no number until it was measured, and where there is nothing to measure."""

import subprocess
import sys

import pytest

READ = """
from prometheus_client import generate_latest
import servicekit.audit, servicekit.relay
print(generate_latest().decode())
"""


@pytest.mark.parametrize("gauge", ["audit_chain_intact", "outbox_relay_active"])
def test_it_is_no_number_in_a_new_process(gauge):
    told = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True).stdout
    assert f"{gauge} NaN" in told.splitlines()
