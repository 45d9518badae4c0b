"""The ages of what should end: one state that cannot be read hides no other, and never looks well."""

import math
from datetime import UTC, date, datetime, time, timedelta

from prometheus_client import REGISTRY, Gauge
from sqlalchemy import Select, column, literal, select, table
from structlog.testing import capture_logs

from servicekit.unfinished import Ages, Unfinished

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
OWN = Gauge("test_of_unfinished_seconds", "A state's own gauge")


def state(name: str, since: Select, **more) -> Unfinished:
    return Unfinished(f"test_of_unfinished.{name}", since, timedelta(hours=1), **more)


def value(name: str, metric: str = "unfinished_oldest_seconds") -> float | None:
    return REGISTRY.get_sample_value(metric, {"state": f"test_of_unfinished.{name}"})


async def test_a_state_that_cannot_be_read_is_nan_and_counted_and_hides_no_other(db) -> None:
    there = select(literal(NOW - timedelta(minutes=2)))
    well = Ages(db, lambda: NOW, [state("first", there, gauge=OWN), state("second", there)])
    away = select(column("since")).select_from(table("no_such_table"))
    ill = Ages(
        db,
        lambda: NOW,
        [state("first", away, gauge=OWN), state("second", select(literal(NOW - timedelta(minutes=9))))],
    )

    await well.measure()
    assert (value("first"), value("second"), OWN._value.get()) == (120, 120, 120)
    assert value("first", "unfinished_unmeasured_total") == 0

    with capture_logs() as logs:
        for _ in range(3):
            await ill.measure()
    assert math.isnan(value("first"))
    assert math.isnan(OWN._value.get())
    assert value("second") == 540
    assert value("first", "unfinished_unmeasured_total") == 3
    assert value("second", "unfinished_unmeasured_total") == 0
    assert [(each["event"], each["state"]) for each in logs] == [("an age is unknown", "test_of_unfinished.first")]

    await well.measure()
    assert (value("first"), OWN._value.get()) == (120, 120)


async def test_a_moment_is_made_of_what_is_selected(db) -> None:
    day = state("day", select(literal(date(2026, 11, 22))), moment=lambda day: datetime.combine(day, time(22), UTC))
    empty = state("empty", select(literal(None)), moment=lambda day: datetime.combine(day, time(22), UTC))

    await Ages(db, lambda: NOW, [day, empty]).measure()

    assert (value("day"), value("empty")) == (6 * 3600, 0)
