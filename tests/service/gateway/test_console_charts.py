"""The console's charts: what is drawn, what stands in the tables beside, and what a missing service leaves."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gateway.console import charting
from tests.service.gateway.money import ORDER, PAYMENT, PAYMENT_STATISTICS, SPAN, tell_all
from tests.service.gateway.operators import Operations, enter

BEGIN = datetime(2026, 11, 22, 16, tzinfo=UTC)
"""Midnight in Shanghai."""


def drawn(*series: dict[datetime, float], absent: float | None = None) -> charting.Lines:
    step = timedelta(minutes=10)
    named = {f"series{n}": values for n, values in enumerate(series)}
    return charting.lines(BEGIN, BEGIN + step * 6, step, named, every=step * 2, absent=absent)


def after(steps: int) -> datetime:
    return BEGIN + timedelta(minutes=10) * steps


def test_a_line_is_drawn_on_the_scale_of_its_greatest_value():
    chart = drawn({after(0): 0, after(1): 4, after(2): 5})
    assert chart.paths == {"series0": "M52.0 212.0L161.3 52.0L270.7 12.0"}
    assert chart.dots == {"series0": []}
    assert chart.y_ticks == [(212.0, "0"), (162.0, "1.25"), (112.0, "2.5"), (62.0, "3.75"), (12.0, "5")]


def test_ticks_stand_at_whole_times_in_shanghai():
    assert [label for _, label in drawn({}).x_ticks] == ["00:00", "00:20", "00:40"]


def test_a_step_without_a_value_breaks_the_line_or_counts_as_absent():
    values = {after(0): 1.0, after(2): 1.0, after(3): 1.0}
    assert drawn(values).paths["series0"] == "M270.7 12.0L380.0 12.0"
    assert drawn(values).dots["series0"] == [(52.0, 12.0)]
    assert drawn(values, absent=0).paths["series0"].count("L") == 5


def test_series_share_one_scale_and_nothing_is_drawn_of_nothing():
    chart = drawn({after(0): 1}, {after(0): 10}, {})
    assert chart.dots == {"series0": [(52.0, 192.0)], "series1": [(52.0, 12.0)], "series2": []}
    assert set(chart.paths.values()) == {""}
    assert drawn({}).y_ticks[-1] == (12.0, "1")


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.013, 0.02), (1, 1), (1.1, 2), (3, 5), (5, 5), (5.01, 10), (99, 100), (101, 200)]
)
def test_a_scale_ends_at_a_round_value(value, top):
    assert charting.ceiling(value) == pytest.approx(top)


def test_bars_are_as_long_as_their_counts():
    assert [(bar.label, bar.count, bar.width) for bar in charting.bars([("a", 8), ("b", 2)])] == [
        ("a", 8, 640.0),
        ("b", 2, 160.0),
    ]
    assert charting.bars([]) == []


@pytest.fixture
async def http(app: httpx.AsyncClient, services: Operations) -> httpx.AsyncClient:
    services.fresh()
    tell_all(services)
    app.cookies.clear()
    await enter(app)
    return app


async def test_every_chart_has_a_title_a_description_and_its_figures_in_a_table(http):
    page = (await http.get("/console/charts")).text
    for name in ("rate", "confirmed", "settled", "failures"):
        assert f'aria-labelledby="{name}-title {name}-desc"' in page
        assert f'<title id="{name}-title">' in page
        assert f'<desc id="{name}-desc">' in page
    for name, count in (("settled-table", 21), ("confirmed-table", 21), ("failures-table", 2)):
        [table] = re.findall(rf'<table data-testid="{name}">.*?</table>', page, re.DOTALL)
        assert table.count("<tr>") == count + 1
    assert "金额不一致" in page
    assert "没有收到回调，主动查询后入账" in page


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {"hours": 24, "stepMinutes": 10}),
        ("?hours=6", {"hours": 6, "stepMinutes": 5}),
        ("?hours=1", {"hours": 1, "stepMinutes": 1}),
        ("?hours=99", {"hours": 24, "stepMinutes": 10}),
    ],
)
async def test_both_services_are_asked_for_the_same_span(http, services, query, body):
    assert (await http.get(f"/console/charts{query}")).status_code == 200
    assert services.bodies[f"{PAYMENT}/paymentStatistics"] == [body]
    assert services.bodies[f"{ORDER}/confirmationStatistics"] == [body]


async def test_the_step_that_has_not_ended_is_no_rate(http, services):
    half_done = {"at": "2026-11-23T01:50:00Z", "count": 1, "fen": 19900, "p50Seconds": 0.5, "p99Seconds": 1}
    full = half_done | {"at": "2026-11-23T01:40:00Z", "count": 10}
    services.data(f"{PAYMENT}/paymentStatistics", SPAN | {"paid": [full, half_done], "failures": []})
    page = (await http.get("/console/charts")).text
    [path] = re.findall(r'<path class="line rate" d="([^"]+)"', page)
    assert path.count("L") == 24 * 6 - 2
    assert path.endswith(" 12.0")


async def test_a_service_that_does_not_respond_leaves_its_charts_away_and_is_named(http, services):
    del services.answers["order", f"{ORDER}/confirmationStatistics"]
    page = await http.get("/console/charts")
    assert page.status_code == 200
    assert 'data-testid="missing-order"' in page.text
    assert 'data-testid="rate"' in page.text
    assert 'data-testid="confirmed"' not in page.text


async def test_a_quiet_day_says_that_nothing_failed(http, services):
    services.data(f"{PAYMENT}/paymentStatistics", SPAN | {"paid": [], "failures": []})
    page = (await http.get("/console/charts")).text
    assert 'data-testid="no-failures"' in page
    assert 'data-testid="failures-table"' not in page


async def test_a_reason_that_this_build_does_not_know_is_shown_as_it_is(http, services):
    unknown = [PAYMENT_STATISTICS["failures"][0] | {"cause": "new_one"}]
    services.data(f"{PAYMENT}/paymentStatistics", PAYMENT_STATISTICS | {"failures": unknown})
    assert "review new_one" in (await http.get("/console/charts")).text
