"""For every test of the workspace: what a run starts ends with it, in `make test` and in an editor alike."""

import gc

import pytest

from stack import leftovers


gc.disable()
"""While tests are collected: a quarter of that time went into looking through what nothing lets go of."""


def pytest_collection_finish() -> None:
    """From here on the collector looks at what tests make, not at the tests: a fifth of a service test's time."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """A worker of xdist belongs to the run that started it."""
    if not hasattr(config, "workerinput"):
        run = leftovers.Run()
        run.__enter__()
        config.add_cleanup(run.__exit__)
