"""What the benchmark says about its figures: medians, spreads, judgements, and that all of it survives JSON."""

import subprocess
import sys

import pytest

from tests.bench import figures, markdown, parts, soak
from tests.bench.figures import Figure

MACHINE = {"cores": 2.0, "rsa2048_verify_per_second": 50_000.0, "fdatasync_ms": 0.25}


def rows():
    return figures.rows_of(
        [
            Figure("paid", "/s", 1400, 3000, 1500),
            Figure("paid", "/s", 1600, 3200, 1500),
            Figure("time", "ms", 1.2, 0.5, 1.5, less_is_better=True, by_part={"payment": 0.5, "order": 0.7}),
            Figure("paid", "/s", 1500, 3100, 1500),
        ]
    )


def test_the_median_is_judged_and_the_spread_is_of_all_runs():
    paid, time = rows()
    assert (paid.median, paid.floor, paid.is_met, time.is_met) == (1500, 3100, True, True)
    assert paid.spread == pytest.approx(100 * 200 / 1500)
    assert (paid.ratio, time.spread) == (1500 / 3100, 0.0)


def test_a_figure_of_which_less_is_better_misses_its_target_above_it():
    [row] = figures.rows_of([Figure("time", "ms", 1.6, None, 1.5, less_is_better=True)])
    assert row.is_met is False


def test_json_holds_all_of_a_row():
    read, machine = figures.of_json(figures.as_json(rows(), MACHINE))
    assert (read, machine) == (rows(), MACHINE)


def test_rows_of_several_programs_become_one():
    [whole, _] = figures.rows_of(each for row in [*rows(), *rows()] for each in row.as_figures())
    assert (whole.values, whole.floors) == ([1400, 1600, 1500] * 2, [3000, 3200, 3100] * 2)


def test_the_table_stands_between_its_marks():
    document = "before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n"
    written = markdown.put_into(document, markdown.render(rows(), MACHINE))
    assert "| paid | 1,500 /s | 13 % of 3 | 3,100 | 0.48 | ≥ 1,500 | met |" in written
    assert "| time | order 0.70, payment 0.50; all 1.20 |" in written
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "old" not in written


def test_a_section_of_its_own_has_its_own_marks():
    document = "<!-- bench: begin -->\nkept\n<!-- bench: end -->\n"
    document += "<!-- bench tracing: begin -->\n<!-- bench tracing: end -->\n"
    written = markdown.put_into(document, "table\n", "tracing")
    assert written == document.replace("tracing: begin -->\n", "tracing: begin -->\ntable\n")


def test_a_document_without_marks_is_refused():
    with pytest.raises(ValueError, match="bench: begin"):
        markdown.put_into("no place", "table")


def test_idle_time_is_taken_off_and_nothing_becomes_negative():
    used = parts.above_idle({"kafka": 1.0, "postgres": 0.1}, {"kafka": 0.03, "postgres": 0.02}, 10.0)
    assert used == {"kafka": pytest.approx(0.7), "postgres": 0.0}


def test_a_soak_tells_growth_from_a_warm_up():
    samples = [{"seconds": 10.0 * n, "grows": 100 + n, "flat": 50.0 if n > 3 else 20.0} for n in range(61)]
    assert soak.slope(samples, "grows") == pytest.approx(6.0)
    assert soak.slope(samples, "flat") == pytest.approx(0.0)


def test_every_picture_that_there_are_figures_for_is_drawn(tmp_path):
    curve = [{"rate": 100.0, "p50_ms": 9.0, "p99_ms": 20.0}, {"rate": 900.0, "p50_ms": 15.0, "p99_ms": 70.0}]
    memory = [{"seconds": 0.0, "payment": 100.0}, {"seconds": 60.0, "payment": 101.0}]
    more = [Figure(name, "/s", 1.0, series=series) for name, series in (("rates", curve), ("soak", memory))]
    file = tmp_path / "figures.json"
    file.write_text(figures.as_json([*rows(), *figures.rows_of(more)], MACHINE))
    program = [sys.executable, "-m", "tests.bench.plots", str(file), str(tmp_path)]  # pygal hooks into every import
    subprocess.run(program, check=True)
    written = {each.stem: each.read_text() for each in tmp_path.glob("*.svg")}
    assert set(written) == {"by-part", "floor", "rates", "memory"}
    assert all("<svg" in content for content in written.values())
