"""Rules and numbers that the console has beside the command line and the services agree with theirs."""

import ast
import re
from pathlib import Path

import pytest

from gateway.console import find
from gateway.console.charts import SPANS
from gateway.console.sessions import DEVICE_SECONDS
from gateway.console.system import problems_of
from gateway.routes import PUBLIC
from minsu import following
from minsu.ops_system import problems
from servicekit.auth import FRESH_SECONDS
from servicekit.schemas import StatisticsQuery
from stack.layout import REPO
from tests.support import system
from tests.support.services import SOURCES
from usercenter.settings import Settings

JOB = {"name": "j", "hasCron": True, "at": "2026-11-29T00:00:00Z", "claimed": 2, "error": None}
SOUND = {
    "databaseProblem": None,
    "sidecar": {"problem": None},
    "subscriptions": [
        {"topic": "t", "wanted": True, "active": True},
        {"topic": "old", "wanted": False, "active": False},
    ],
    "jobs": [JOB, JOB | {"at": None, "claimed": None, "hasCron": None}],
    "replicas": [{"up": True, "version": "2"}, {"up": False, "version": "1"}],
}
WRONG = {
    "database": {"databaseProblem": "it is down"},
    "sidecar": {"sidecar": {"problem": "it does not answer"}},
    "unread": {"subscriptions": [{"topic": "t", "wanted": True, "active": False}]},
    "no_cron": {"jobs": [JOB | {"hasCron": False}]},
    "failed": {"jobs": [JOB | {"claimed": None, "error": "E: why"}]},
    "versions": {"replicas": [{"up": True, "version": "2"}, {"up": True, "version": "1"}]},
}


def test_a_sound_service_has_no_problem_in_either():
    assert (list(problems_of(SOUND)), problems(SOUND)) == ([], [])


@pytest.mark.parametrize("kind", WRONG)
def test_a_problem_on_the_system_page_is_one_for_minsu_ops_system(kind):
    status = SOUND | WRONG[kind]
    assert [found for found, _ in problems_of(status)] == [kind]
    assert len(problems(status)) == 1


def _methods_in(folder: Path) -> set[str]:
    """The operators' methods that the code of a folder names, alone or at the end of a path."""
    methods = {route.path.rpartition("/")[2] for route in PUBLIC if "/v1/ops/" in route.path}
    texts = {
        node.value.rpartition("/")[2]
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return methods & texts


def test_the_console_asks_nothing_that_minsu_ops_cannot():
    asked = _methods_in(SOURCES["gateway"] / "console")
    assert {"taskDetail", "reconciliationList", "receivedEvents", "system"} <= asked
    assert sorted(asked - _methods_in(REPO / "clients/minsu/src/minsu")) == []


SN, CODE, MOBILE = "HSO2026112309302612345678", "K7MX4QPA", "13800000001"
TYPED = {
    SN.lower(): (None, None, SN),
    f" {SN[:3]} {SN[3:11]} {SN[11:]}": (None, None, SN),
    "pmt2026112309310087654321": (None, None, "PMT2026112309310087654321"),
    "rfd2026112309310087654321": (None, None, "RFD2026112309310087654321"),
    "4200 0020 2611 2300 0012 3456 7890": (None, None, "4200002026112300001234567890"),
    "their-Own_Number": (None, None, "their-Own_Number"),
    MOBILE: (MOBILE, None, None),
    "138 0000 0001": (MOBILE, None, None),
    "+86 138-0000-0001": (MOBILE, None, None),
    "(+86)13800000001": (MOBILE, None, None),
    "008613800000001": (MOBILE, None, None),
    "\u202d+8613800000001\u202c": (MOBILE, None, None),
    "１３８００００００01": (MOBILE, None, None),
    "+85213800000001": (None, None, None),
    "k7mx-4qpa": (None, CODE, "k7mx-4qpa"),
    "K7MX 4QPA": (None, CODE, CODE),
    "Ｋ７ＭＸ－４ＱＰＡ": (None, CODE, "K7MX-4QPA"),
    "k7mx.4qpa": (None, CODE, None),
    "一二三": (None, None, None),
    "": (None, None, None),
}


@pytest.mark.parametrize("what", TYPED)
def test_what_is_typed_means_the_same_in_the_console_and_to_minsu_ops_find(what):
    assert [tuple(each.read_typed(what)) for each in (find, following)] == [TYPED[what]] * 2


def test_the_console_keeps_its_device_as_long_as_usercenter_knows_it():
    assert Settings.model_fields["known_device_days"].default * 86400 == DEVICE_SECONDS


def test_services_take_every_span_of_the_charts():
    for hours, (minutes, _) in SPANS.items():
        StatisticsQuery(hours=int(hours), stepMinutes=minutes)


def test_what_is_said_of_a_proof_of_identity_is_how_long_it_is_good_for():
    assert FRESH_SECONDS == 600
    said = {
        SOURCES["gateway"] / "locale/console/act.zh.toml": "随后十分钟内",
        SOURCES["gateway"] / "locale/console/act.en.toml": "again for ten minutes",
        SOURCES["usercenter"] / "endpoints/second_factor.py": "at most ten minutes old",
        REPO / "docs/architecture.md": "of the last ten minutes",
    }
    for file, text in said.items():
        assert text in re.sub(r"\s+", " ", file.read_text()), file
    assert system.FRESH_SECONDS < FRESH_SECONDS
