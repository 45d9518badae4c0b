"""SEAT_NOTIFICATION=go puts the program of another language behind the wrapper of the run file."""

import pytest

from stack import daprfile, layout, replacements
from stack.errors import StackError


def command(tmp_path, env):
    where = layout.plan(env | {"MINSU_RUN_DIR": str(tmp_path)})
    programs = {seat.app: seat.program for seat in replacements.chosen(where.repo, env)}
    where.rendered_dapr_file.write_text(daprfile.render(where.dapr_file, where.dapr_ports(), where.run, programs))
    return {app.id: app.command for app in daprfile.apps(where.rendered_dapr_file)}


def test_a_replacement_stands_in_the_place_of_python_and_nothing_else_changes(tmp_path):
    before = command(tmp_path, {})
    after = command(tmp_path, {"SEAT_NOTIFICATION": "go"})
    wrapper, program = after.pop("notification")
    python = before.pop("notification")
    assert (wrapper, after) == (python[0], before)
    assert program.startswith(str(layout.REPO / ".tools/seats/notification-"))
    assert [replacements.language_of(each) for each in (python, [wrapper, program])] == ["python", "go"]


@pytest.mark.parametrize(
    "env", [{}, {"SEAT_NOTIFICATION": "python"}, {"SEAT_NOTIFICATION": ""}, {"SEAT_LEDGER": "node"}]
)
def test_without_the_variable_there_is_none(env):
    assert replacements.chosen(layout.REPO, env) == []


@pytest.mark.parametrize("env", [{"SEAT_NOTIFICATION": "rust"}, {"SEAT_ORDER": "go"}])
def test_a_service_that_is_not_there_in_that_language_is_named(env):
    [(name, language)] = env.items()
    with pytest.raises(StackError, match=f"{name}={language}: that service is not there in that language"):
        replacements.chosen(layout.REPO, env)


def test_the_program_changes_with_its_source_and_not_with_its_tests(tmp_path):
    source = tmp_path / "seats" / "notification-go"
    source.mkdir(parents=True)

    def program():
        [seat] = replacements.chosen(tmp_path, {"SEAT_NOTIFICATION": "go"})
        return seat.program

    (source / "main.go").write_text("package main\n")
    first = program()
    (source / "main_test.go").write_text("package main\n")
    assert program() == first
    (source / "main.go").write_text("package main // changed\n")
    assert program() != first


def test_source_that_cannot_be_built_is_told_with_its_errors(tmp_path):
    source = tmp_path / "seats" / "notification-go"
    source.mkdir(parents=True)
    (source / "go.mod").write_text("module broken\n")
    (source / "main.go").write_text("package main\n\nfunc main() { nowhere() }\n")
    [seat] = replacements.chosen(tmp_path, {"SEAT_NOTIFICATION": "go"})
    with pytest.raises(StackError, match="undefined: nowhere"):
        seat.build(tmp_path / "build.log")
    assert not seat.program.exists()
