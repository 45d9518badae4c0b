"""The numbers that docs/slo.md gives reasons for are those of the rules: targets, windows, thresholds, what pages."""

import re

import pytest
import yaml

from tests.deploy.manifests import REPO

DOCUMENT = (REPO / "docs" / "slo.md").read_text(encoding="utf-8")
OBSERVABILITY = REPO / "deploy" / "observability"
MONTH_HOURS = 30 * 24
SECONDS = {
    "s": 1,
    "min": 60,
    "minutes": 60,
    "m": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
}
WORDS = {"half an hour": "30 min", "a day": "1 day", "an hour": "1 hour"}
UNIT = r"(s|minutes|min|m|hours?|h|days?|d)\b"


def rules(file):
    return [rule for group in yaml.safe_load((OBSERVABILITY / file).read_text())["groups"] for rule in group["rules"]]


RECORDED = [rule for rule in rules("slo.yaml") if "record" in rule]
ALERTS = {rule["alert"]: rule for file in ("slo.yaml", "alerts.yaml") for rule in rules(file) if "alert" in rule}
BY_CAUSE = {rule["alert"] for rule in rules("alerts.yaml")}


def table(heading):
    """The cells of each row of the table below a heading that begins so, without its head."""
    _, _, rest = f"\n{DOCUMENT}".partition(f"\n## {heading}" if heading else "\n# ")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def recorded(name, slo):
    [rule] = [each for each in RECORDED if each["record"] == name and each["labels"]["slo"] == slo]
    return rule["expr"]


OBJECTIVES = {row[1].strip("`"): row for row in table("")}


def test_every_objective_is_in_the_document():
    assert set(OBJECTIVES) == {rule["labels"]["slo"] for rule in RECORDED if "labels" in rule}


@pytest.mark.parametrize("slo", OBJECTIVES)
def test_an_objectives_target_is_the_rules_budget(slo):
    [percent] = re.findall(r"([\d.]+) %", OBJECTIVES[slo][0])
    [budget] = re.findall(r"vector\(([\d.]+)\)", recorded("slo:budget:ratio", slo))
    assert float(budget) == pytest.approx(1 - float(percent) / 100, abs=1e-9)


@pytest.mark.parametrize("slo", OBJECTIVES)
def test_an_objectives_bound_is_the_bucket_that_its_rule_reads(slo):
    bounds = {float(number) * SECONDS[unit] for number, unit in re.findall(rf"(\d+) {UNIT}", OBJECTIVES[slo][0])}
    buckets = {float(each) for each in re.findall(r'le="([\d.]+)"', recorded("slo:bad:rate5m", slo))}
    assert buckets == bounds


BURNS = {row[0]: row for row in table("Burn rates")}


def test_every_burn_rate_is_in_the_document():
    assert set(BURNS) == {rule["alert"] for rule in rules("slo.yaml") if "alert" in rule}


@pytest.mark.parametrize("alert", BURNS)
def test_a_burn_rates_windows_and_what_it_means_are_the_rules(alert):
    _, burns, over, gone, severity = BURNS[alert]
    rate = float(burns.rstrip("×"))
    (long, unit), (short, short_unit) = re.findall(rf"(\d+) {UNIT}", over)
    windows = [f"{long}{unit[0]}", f"{short}{short_unit[0]}"]
    found = re.findall(r"slo:burn_rate:(\w+) > ([\d.]+)", ALERTS[alert]["expr"])
    assert found == [(window, burns.rstrip("×")) for window in windows]
    assert {f"slo:burn_rate:{window}" for window in windows} <= {each["record"] for each in RECORDED}
    days, percent = re.findall(r"\d+", gone)
    assert int(days) == int(30 / rate)
    assert int(percent) == round(100 * rate * int(long) * SECONDS[unit] / 3600 / MONTH_HOURS)
    assert ALERTS[alert]["labels"]["severity"] == severity


def test_below_five_failures_no_burn_rate_fires():
    assert "Below five failures in the long window none" in DOCUMENT
    for alert in BURNS:
        long = re.findall(r"slo:burn_rate:(\w+)", ALERTS[alert]["expr"])[0]
        assert f"sum_over_time(slo:bad:rate5m[{long}]) * 30 >= 5" in ALERTS[alert]["expr"]


CAUSES = {row[0]: row[1] for row in table("Alerts by cause")}


def tickets():
    _, _, rest = DOCUMENT.partition("\nTickets: ")
    text = " ".join(rest.partition("\n\n")[0].split())
    return {
        name: bound
        for name, bound in re.findall(r"([A-Z][A-Za-z]+)(?: \(((?:[^()]|\([^)]*\))*)\))?", text)
        if name in BY_CAUSE
    }


def test_what_pages_and_what_is_a_ticket_is_what_the_document_says():
    by_severity = {
        severity: {name for name in BY_CAUSE if ALERTS[name]["labels"]["severity"] == severity}
        for severity in ("page", "ticket")
    }
    assert by_severity == {"page": set(CAUSES), "ticket": set(tickets())}


def quantities(text):
    """Every number of a text: in seconds where a unit follows it ("1 day and 1 hour" is one), as it is otherwise."""
    for words, number in WORDS.items():
        text = text.replace(words, number)
    pieces = re.findall(rf"((?:\d+ ?{UNIT} and )?)(?<![\w.])(\d+(?:\.\d+)?)(?: ?{UNIT})?", text)
    found = set()
    for before, _, number, unit in pieces:
        more = sum(float(each) * SECONDS[its] for each, its in re.findall(rf"(\d+) ?{UNIT}", before))
        found.add(more + float(number) * SECONDS.get(unit, 1))
    return found


def durations(text):
    return [float(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])\b", text)]


def bounds_of(rule):
    """(thresholds, all that the document may say of the rule). A threshold is a set of ways to say it: more than 5 is 6,
    and 0.02 a second 1.2 a minute."""
    expr = rule["expr"]
    thresholds = []
    for sign, number, times in re.findall(r"(>=|>) ([\d.]+)(?: \* (\d+))?", expr):
        value = float(number) * float(times or 1)
        if value:
            thresholds.append({value, round(value * 60, 6)} | ({float(int(value) + 1)} if sign == ">" else set()))
    windows = durations(" ".join(re.findall(r"\[(\w+)\]", expr)))
    offsets = durations(" ".join(re.findall(r"offset (\w+)", expr)))
    sums = {window + offset for window in windows for offset in offsets}
    return thresholds, {*windows, *offsets, *sums, *durations(rule.get("for", ""))}.union(*thresholds)


@pytest.mark.parametrize("alert", sorted(BY_CAUSE))
def test_the_bound_of_an_alert_is_its_rules(alert):
    """Each number of the document is in the rule; a rule's threshold is in the document, and how long it must hold where
    the alert pages."""
    text = CAUSES.get(alert) or tickets()[alert].partition(":")[0]
    said = quantities(re.sub(r"of \d+ readings", "", text))
    thresholds, known = bounds_of(ALERTS[alert])
    assert said <= known
    if said or alert in CAUSES:
        assert all(said & ways for ways in thresholds), (said, thresholds)
    if alert in CAUSES:
        assert set(durations(ALERTS[alert].get("for", ""))) <= said
