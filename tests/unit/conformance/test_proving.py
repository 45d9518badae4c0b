"""What proves the kit: which cases a broken app must fail, and what counts as a surprise."""

import os
import subprocess
import sys

import pytest

from conformance import proving
from conformance.cases import Result, Verdict
from conformance.proving import BROKEN, Trial
from conformance.roles.notification.session import NOTIFICATION
from conformance.roles.order.session import ORDER
from conformance.roles.payment.session import PAYMENT
from conformance.seats import BROKEN as FOLDER
from conformance.seats import Seat

SEAT = Seat.python("notification")


def _verdict(case: str, result: Result) -> Verdict:
    return Verdict(case, "", result, "why" if result is not Result.PASS else "")


def test_a_good_app_must_pass_every_case():
    verdicts = [_verdict("a", Result.PASS), _verdict("b", Result.FAIL), _verdict("c", Result.NOT_RUN)]
    assert proving.surprises(Trial(SEAT), verdicts) == ["b failed: why", "c was not run: why"]


def test_a_broken_app_must_fail_its_cases_and_no_other():
    trial = Trial(SEAT, frozenset({"a", "b"}))
    assert (
        proving.surprises(trial, [_verdict("a", Result.FAIL), _verdict("b", Result.FAIL), _verdict("c", Result.PASS)])
        == []
    )
    verdicts = [_verdict("a", Result.PASS), _verdict("b", Result.FAIL), _verdict("c", Result.FAIL)]
    assert proving.surprises(trial, verdicts) == ["c failed: why", "a did not fail"]


def test_the_cases_that_a_broken_app_must_fail_are_tried_with_it():
    for must_fail in BROKEN.values():
        tried = {each.id for each in Trial(SEAT, must_fail).cases(NOTIFICATION.cases.found)}
        assert must_fail <= tried


def test_every_role_has_what_every_service_must_do():
    for role in (NOTIFICATION, ORDER, PAYMENT):
        assert {"health", "app-token", "delivery-token", "internal-callers", "metrics"} <= {
            each.id for each in role.cases.found
        }


@pytest.mark.parametrize("broken", BROKEN)
def test_every_defect_is_there_to_be_loaded(broken: str):
    env = os.environ | {"PYTHONPATH": str(FOLDER), "MINSU_BROKEN": broken}
    done = subprocess.run([sys.executable, "-c", ""], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
