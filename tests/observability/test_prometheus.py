"""Prometheus beside a healthy system, as `make up OBS=1` starts it: every target is up, no alert pending. What it scrapes
and evaluates: tests/integration/test_prometheus.py."""

import contextlib

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def test_a_healthy_system_raises_no_alert(prometheus):
    eventually(prometheus.all_up, seconds=60, what="every target was scraped")
    with contextlib.suppress(AssertionError):
        eventually(lambda: prometheus.alerts() == [], seconds=90)
    assert prometheus.alerts() == []
