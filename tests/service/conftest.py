"""Services in process on a real PostgreSQL."""

from collections.abc import Iterator

import pytest

SERVICES = ("NOTIFICATION", "ORDER", "PAYMENT", "TRAVEL", "USERCENTER")


@pytest.fixture(autouse=True, scope="module")
def _patient_pools() -> Iterator[None]:
    """A busy test machine may take seconds for what takes milliseconds: a connection that comes late fails no test.
    Tests about these limits set their own."""
    with pytest.MonkeyPatch.context() as environment:
        for service in SERVICES:
            environment.setenv(f"{service}_DATABASE_POOL_TIMEOUT_SECONDS", "30")
            environment.setenv(f"{service}_DATABASE_CONNECT_SECONDS", "30")
        yield
