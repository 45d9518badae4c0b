"""Prometheus beside a healthy system, as `make up OBS=1` starts it: every target is up, no alert pending. What it scrapes
and evaluates: tests/integration/test_prometheus.py."""

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def test_a_healthy_system_raises_no_alert(prometheus):
    eventually(prometheus.all_up, seconds=60, what="every target was scraped")
    eventually(lambda: prometheus.alerts() == [], seconds=90, what="no alert is pending or fires")
