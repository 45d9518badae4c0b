"""How far a consumer is with a topic."""

from datetime import UTC, datetime

import pytest

from gateway.console.queues import Progress, progress

NOW = datetime(2026, 11, 23, 4, 1, tzinfo=UTC)
EARLY, LATE = "2026-11-23T04:00:20Z", "2026-11-23T04:00:40Z"


@pytest.mark.parametrize(
    ("published", "handled", "retried", "expected"),
    [
        (None, None, None, Progress.QUIET),
        (None, EARLY, None, Progress.DONE),
        (EARLY, EARLY, None, Progress.DONE),
        (EARLY, LATE, EARLY, Progress.DONE),
        (LATE, EARLY, None, Progress.WAITING),
        (LATE, None, None, Progress.WAITING),
        (EARLY, None, None, Progress.BEHIND),
        ("2026-11-23T04:00:29Z", EARLY, None, Progress.BEHIND),
        ("2026-11-23T04:00:30Z", EARLY, None, Progress.WAITING),
        (None, EARLY, LATE, Progress.RETRYING),
        (EARLY, None, EARLY, Progress.RETRYING),
    ],
)
def test_progress(published, handled, retried, expected):
    assert progress(published, handled, retried, NOW) == expected
