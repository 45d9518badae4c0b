"""Commands that a service adds to `python -m <service>`: they are there, and imported for themselves alone."""

import sys

import pytest
from typer.testing import CliRunner

from servicekit.run import command_line

MODULE = "commands_of_a_test"


@pytest.fixture
def cli(tmp_path, monkeypatch):
    (tmp_path / f"{MODULE}.py").write_text(
        "import typer\n\ncli = typer.Typer()\n\n\n@cli.command('count')\n"
        "def count(to: int) -> None:\n    '''Count.'''\n    typer.echo(to)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield command_line("travel", more=MODULE)
    sys.modules.pop(MODULE, None)


def test_a_further_command_runs(cli):
    done = CliRunner().invoke(cli, ["count", "3"])
    assert (done.exit_code, done.output) == (0, "3\n")


def test_help_lists_all_commands(cli):
    text = CliRunner().invoke(cli, ["--help"]).output
    assert {"migrate", "count"} <= set(text.split())


def test_an_unknown_command_is_named(cli):
    done = CliRunner().invoke(cli, ["cuont"])
    assert done.exit_code == 2
    assert "No such command 'cuont'" in done.output


def test_a_command_of_every_service_imports_no_further_ones(cli, monkeypatch):
    monkeypatch.delenv("TRAVEL_OWNER_DATABASE_URL", raising=False)
    done = CliRunner().invoke(cli, ["migrate"])
    assert done.exit_code == 2
    assert "TRAVEL_OWNER_DATABASE_URL is not set" in done.output
    assert MODULE not in sys.modules
