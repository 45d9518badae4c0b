"""For every test of the workspace: what a run starts ends with it, in `make test` and in an editor alike; and what all
tests would spend their processor time on again and again, they do once."""

import functools
import ssl

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from servicekit import garbage
from stack import leftovers

garbage.pause()  # while tests are collected: a quarter of that time
OBJECTS_BETWEEN_COLLECTIONS = 100_000

serialization.load_pem_private_key = functools.cache(serialization.load_pem_private_key)
"""Reading a private key proves its primes: 40 ms for the same key, in each of a thousand tests."""
ssl.create_default_context = functools.cache(ssl.create_default_context)
"""Reading the certificates of all authorities takes 30 ms, for every client of HTTP."""
yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc, assignment]
"""By libyaml: every process collects all tests, and reads 90 files for it."""


def pytest_configure(config: pytest.Config) -> None:
    """A worker of xdist belongs to the run that started it."""
    if not hasattr(config, "workerinput"):
        run = leftovers.Run()
        run.__enter__()
        config.add_cleanup(run.__exit__)


def pytest_collection_finish() -> None:
    """From here on the collector looks at what tests make, not at the tests: a fifth of a service test's time."""
    garbage.resume(every=OBJECTS_BETWEEN_COLLECTIONS)
