"""Models and migrations of every service describe the same tables, and what operators did cannot be changed."""

from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from servicekit import migrate
from stack.layout import DATABASES
from tests.support.services import SOURCES


@pytest.mark.parametrize("name", DATABASES)
def test_the_names_of_the_files_tell_the_order_of_the_revisions(name):
    revisions = ScriptDirectory(str(SOURCES[name] / "migrations")).walk_revisions()
    files = [Path(each.path).stem for each in revisions]
    assert files == sorted(files, reverse=True)
    assert files[-1] == "0001_tables"


@pytest.mark.parametrize("name", DATABASES)
def test_migrations_make_the_tables_of_the_models(postgres, name):
    migrate.check(name, postgres.migrated(name, f"minsu_models_{name}"))


@pytest.mark.parametrize("name", DATABASES)
def test_what_operators_did_is_append_only(postgres, name):
    """A trigger is in no model, so that Alembic does not miss it."""
    query = (
        "select (select count(*) from pg_class where relname = 'operator_act'),"
        " (select count(*) from pg_trigger where tgrelid::regclass::text = 'operator_act' and tgname = 'append_only')"
    )
    with psycopg.connect(postgres.migrated(name, f"minsu_acts_{name}")) as connection:
        [(tables, triggers)] = connection.execute(query).fetchall()

    assert tables == triggers
