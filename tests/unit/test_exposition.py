"""How names of metrics are read from expressions and pages: the tests about dashboards and rules stand on it."""

import pytest

from tests.support.exposition import families_of, names_in, samples_of


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("max by (app) (outbox_oldest_seconds) > 60", {"outbox_oldest_seconds"}),
        ('absent(http_connections{app="order"}) or absent(up)', {"http_connections", "up"}),
        ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m])))", {"a_bucket"}),
        ("sum(max by (reason) (a)) - sum(max by (reason) (a offset 1h)) >= 5", {"a"}),
        ('a{state=~"x|y", t="{"} > on (app) group_left (b) c', {"a", "c"}),
        ("slo:burn_rate:1h > 14.4 and slo:burn_rate:5m > 14.4", {"slo:burn_rate:1h", "slo:burn_rate:5m"}),
        ("a / ignoring(state) b + vector(0)", {"a", "b"}),
        ("max by (what) (late_seconds) > 6 * 3600", {"late_seconds"}),
    ],
)
def test_an_expression_is_about_these(expression, names):
    assert names_in(expression) == names


def test_a_page_has_samples_and_families():
    page = """# HELP a_seconds x
# TYPE a_seconds histogram
a_seconds_bucket{le="1.0"} 0.0
a_seconds_count 0.0
# TYPE b_total counter
"""
    assert samples_of(page) == {"a_seconds_bucket", "a_seconds_count"}
    assert families_of(page) == {"a_seconds", "b_total"}
