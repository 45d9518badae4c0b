"""docs/asvs.md, SECURITY.md: each requirement is answered once, tests that are named exist, counts and times agree."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
ASVS = (REPO / "docs" / "asvs.md").read_text("utf-8")
COUNTS = """
V1.1: 2, V1.2: 9, V1.3: 11, V1.4: 3, V1.5: 2
V2.1: 3, V2.2: 3, V2.3: 4, V2.4: 1
V3.2: 2, V3.3: 4, V3.4: 6, V3.5: 5, V3.7: 2
V4.1: 3, V4.2: 1, V4.3: 2, V4.4: 4
V5.1: 1, V5.2: 3, V5.3: 2, V5.4: 3
V6.1: 3, V6.2: 12, V6.3: 4, V6.4: 4, V6.5: 5, V6.6: 3, V6.8: 4
V7.1: 3, V7.2: 4, V7.3: 2, V7.4: 5, V7.5: 2, V7.6: 2
V8.1: 2, V8.2: 3, V8.3: 1, V8.4: 1
V9.1: 3, V9.2: 4
V10.1: 2, V10.2: 2, V10.3: 4, V10.4: 11, V10.5: 5, V10.6: 2, V10.7: 3
V11.1: 2, V11.2: 3, V11.3: 3, V11.4: 4, V11.5: 1, V11.6: 1
V12.1: 3, V12.2: 2, V12.3: 4
V13.1: 1, V13.2: 5, V13.3: 2, V13.4: 5
V14.1: 2, V14.2: 4, V14.3: 3
V15.1: 3, V15.2: 3, V15.3: 7
V16.1: 1, V16.2: 5, V16.3: 4, V16.4: 3, V16.5: 3
V17.1: 1, V17.2: 4, V17.3: 2
"""
"""How many requirements of levels 1 and 2 a section of ASVS 5.0.0 has; those of level 3 come after them."""
REQUIREMENTS = {section: int(count) for section, count in re.findall(r"(V[\d.]+): (\d+)", COUNTS)}
ANSWERS = ("Met", "Not met", "Does not apply")
TEST = re.compile(r"`([\w/.-]+\.py)::(\w+)`")
OTHER_WORDS = frozenset({"idempotency-key", "api-other-key", "callback-other-key"})
"""What ends like a key's name and is none: a header, and slugs of problems."""


def rows() -> Iterator[tuple[str, str, str]]:
    """Id of a requirement or section, answer, and what holds it."""
    for line in ASVS.splitlines():
        if line.startswith("| V"):
            identifier, _, answer, held_by = (cell.strip() for cell in line.strip("| ").split(" | "))
            yield identifier, answer, held_by


def requirements(identifier: str) -> list[str]:
    """Itself, or all of a section."""
    return [f"{identifier}.{number + 1}" for number in range(REQUIREMENTS.get(identifier, 0))] or [identifier]


@cache
def defined(path: str) -> frozenset[str]:
    """Functions and classes of a file; none where there is no such file."""
    file = REPO / path
    if not file.is_file():
        return frozenset()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(each.name for each in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(each, kinds))


@pytest.mark.parametrize("document", ["docs/asvs.md", "docs/threat-model.md"])
def test_every_test_that_is_named_exists(document):
    named = TEST.findall((REPO / document).read_text("utf-8"))
    assert len(named) > 20
    assert [f"{path}::{name}" for path, name in named if name not in defined(path)] == []


def test_every_arrow_of_the_threat_model_is_looked_at_from_all_sides():
    arrows = re.split(r"^## ", (REPO / "docs" / "threat-model.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(arrows) > 10
    for arrow in arrows:
        lines = re.findall(r"^\| ([A-Z]) \| .+ \| .+ \| (.+) \|$", arrow, re.MULTILINE)
        assert {letter for letter, _ in lines} == set("STRIDE"), arrow.splitlines()[0]
        assert all(TEST.search(tests) for _, tests in lines), arrow.splitlines()[0]


def test_every_requirement_of_levels_1_and_2_is_answered_once():
    answered = Counter(each for identifier, _, _ in rows() for each in requirements(identifier))
    asked = [each for section in REQUIREMENTS for each in requirements(section)]
    assert len(asked) == 253
    assert answered == Counter(asked)


def test_an_answer_says_what_it_is_and_what_is_met_names_its_tests():
    wrong = [
        identifier
        for identifier, answer, held_by in rows()
        if answer.partition(":")[0] not in ANSWERS
        or not answer.partition(": ")[2]
        or (answer.startswith("Met") and not TEST.search(held_by))
    ]
    assert wrong == []


def test_the_counts_are_those_of_the_rows():
    count: Counter[str] = Counter()
    for identifier, answer, _ in rows():
        count[answer.partition(":")[0]] += len(requirements(identifier))
    met, not_met, apart = (count[each] for each in ANSWERS)
    told = (
        f"{met + not_met + apart} requirements of levels 1 and 2: {met} met, {not_met} not met, {apart} do not apply."
    )
    assert told in ASVS


def test_every_secret_of_the_store_is_in_the_inventory():
    inventory = ASVS.partition("\n## Keys and algorithms\n")[2]
    files = [*REPO.glob("apps/*/src/**/*.py"), *REPO.glob("libs/servicekit/src/**/*.py")]
    sources = [file.read_text("utf-8") for file in files if "wechatsim" not in file.parts]
    names = {name for text in sources for name in re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*-(?:key|secret))"', text)}
    assert len(names - OTHER_WORDS) > 5
    assert sorted(name for name in names - OTHER_WORDS if f"`{name}`" not in inventory) == []


@pytest.mark.parametrize("section", ["What we promise", "Components of others"])
def test_the_policy_names_its_times(section):
    policy = (REPO / "SECURITY.md").read_text("utf-8")
    text = policy.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    times = dict(re.findall(r"^\| (critical|high|medium|low)\b[^|]*\| ([^|]+) \|$", text, re.MULTILINE))
    assert times == {"critical": "7 days", "high": "30 days", "medium": "90 days", "low": "with the next release"}
