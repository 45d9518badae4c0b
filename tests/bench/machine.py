"""How fast this machine is, beside every figure: the two things that a payment cannot do without."""

import os
import re
import subprocess
import tempfile
import time


def speed() -> dict[str, float]:
    """RSA-2048 verifications a second on one core, and milliseconds of one durable write."""
    return {"rsa2048_verify_per_second": _verifies(), "fdatasync_ms": _fdatasync(), "cores": float(os.cpu_count() or 1)}


def _verifies() -> float:
    done = subprocess.run(["openssl", "speed", "-seconds", "1", "rsa2048"], capture_output=True, text=True, check=True)
    found = re.findall(r"rsa +2048 bits .*? ([\d.]+)\s*$", done.stdout, re.MULTILINE)
    verify = re.search(r"rsa +2048 bits +\S+s +\S+s +(?:\S+s +\S+s +)?[\d.]+ +([\d.]+)", done.stdout)
    return float(verify[1] if verify else found[-1])


def _fdatasync(count: int = 50) -> float:
    with tempfile.NamedTemporaryFile(dir=".") as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(b"x" * 8192)
            file.flush()
            os.fdatasync(file.fileno())
        return (time.perf_counter() - began) * 1000 / count
