"""The kit's own machinery: what is a PASS, a FAIL and NOT RUN, in which order, and what the report holds."""

from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from conformance import cli, expecting, reporting, running
from conformance.cases import Cases, Result


class Room:
    def __init__(self, *, controls_app: bool = True) -> None:
        self.controls_app, self.done = controls_app, list[str]()

    def restore(self) -> None:
        self.done.append("restore")


def _cases() -> Cases[Room]:
    cases = Cases[Room]()

    @cases.case("good", "passes")
    def good(room: Room) -> None:
        room.done.append("good")

    @cases.case("late", "ends when the others are done")
    def late(room: Room):
        room.done.append("late begins")
        return lambda: room.done.append("late ends")

    @cases.case("bad", "fails")
    def bad(room: Room) -> None:
        expecting.equal(["RETRY"], ["SUCCESS"], "statuses")

    @cases.case("odd", "raises")
    def odd(room: Room) -> None:
        raise ConnectionError("nothing there")

    @cases.case("stop", "needs the process", needs_control=True)
    def stop(room: Room) -> None:
        room.done.append("stop")

    return cases


def test_each_case_has_its_verdict_and_later_parts_come_last():
    room, told = Room(), []
    verdicts = running.run(_cases().found, room, told.append)
    assert [(each.case, each.result) for each in verdicts] == [
        ("good", Result.PASS),
        ("late", Result.PASS),
        ("bad", Result.FAIL),
        ("odd", Result.FAIL),
        ("stop", Result.PASS),
    ]
    assert [each.case for each in told] == ["good", "bad", "odd", "stop", "late"]
    assert room.done == [
        "restore",
        "good",
        "restore",
        "late begins",
        "restore",
        "restore",
        "restore",
        "stop",
        "late ends",
    ]
    assert [each.reason for each in verdicts][2:4] == [
        "statuses: ['RETRY'], not ['SUCCESS']",
        "ConnectionError: nothing there",
    ]
    assert list(running.failed(verdicts)) == ["bad", "odd"]


def test_an_app_that_the_kit_does_not_control_is_not_stopped_and_the_report_says_what_to_give():
    room = Room(controls_app=False)
    verdict = running.run(_cases().found, room, lambda _: None)[-1]
    assert (verdict.result, verdict.reason) == (Result.NOT_RUN, running.NEEDS_CONTROL)
    assert "stop" not in room.done


def test_cases_are_chosen_by_the_beginning_of_their_id():
    assert [each.id for each in _cases().chosen(["la", "bad"])] == ["late", "bad"]
    assert len(_cases().chosen([])) == 5
    with pytest.raises(ValueError, match="no case is called lame; they begin with bad, good, late"):
        _cases().chosen(["good", "lame"])


@pytest.mark.parametrize("line", ["./not-here", "not-here either", "README.md", "./README.md", "'unclosed", " "])
def test_a_command_that_cannot_be_started_is_refused_before_anything_is(line):
    done = CliRunner().invoke(cli.app, ["check", "--role", "notification", "--run", line])
    assert (done.exit_code, f"RUN={line}: " in done.output) == (2, True)


def test_two_cases_of_one_name_are_refused():
    cases = _cases()
    with pytest.raises(ValueError, match="two cases are called good"):
        cases.case("good", "again")(lambda _: None)


def test_junit_holds_every_case_with_its_reason(tmp_path):
    verdicts = running.run(_cases().found, Room(controls_app=False), lambda _: None)
    file = tmp_path / "deep" / "role.xml"
    reporting.write_junit(file, "role", verdicts)
    suite = ET.parse(file).getroot()  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "2", "1")
    reasons = {case.get("name"): [part.get("message") for part in case] for case in suite}
    assert reasons["good"] == []
    assert reasons["bad"] == ["statuses: ['RETRY'], not ['SUCCESS']"]
    assert reasons["stop"] == [running.NEEDS_CONTROL]


def test_waiting_ends_with_the_last_answer():
    with pytest.raises(expecting.Unmet, match=r"the state: still 'pending' after 0 s"):
        expecting.eventually(lambda: "pending", lambda state: state == "sent", "the state", within=0.05)
