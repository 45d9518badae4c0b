"""For every test of the workspace: what a run starts ends with it, in `make test` and in an editor alike."""

import pytest

from stack import leftovers


def pytest_configure(config: pytest.Config) -> None:
    """A worker of xdist belongs to the run that started it."""
    if not hasattr(config, "workerinput"):
        run = leftovers.Run()
        run.__enter__()
        config.add_cleanup(run.__exit__)
