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
    assert progress({"publishedAt": published}, {"handledAt": handled, "retriedAt": retried}, NOW) == expected


@pytest.mark.parametrize(
    ("newest", "newest_handled", "expected"),
    [
        ("2026-11-23T04:00:10Z", "2026-11-23T04:00:10Z", Progress.DONE),
        ("2026-11-23T04:00:10Z", "2026-11-23T04:00:11Z", Progress.DONE),
        ("2026-11-23T04:00:10.001Z", "2026-11-23T04:00:10Z", Progress.BEHIND),
        ("2026-11-23T04:00:10Z", None, Progress.BEHIND),
    ],
)
def test_a_consumer_that_is_faster_than_the_publishers_mark_is_not_behind(newest, newest_handled, expected):
    sent = {"publishedAt": "2026-11-23T04:00:12.005Z", "newestAt": newest}
    received = {"handledAt": "2026-11-23T04:00:12Z", "newestAt": newest_handled, "retriedAt": None}
    assert progress(sent, received, NOW) == expected
