"""Models and migrations of every service describe the same tables, and what operators did cannot be changed."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from servicekit import migrate
from servicekit.audit import Audit
from servicekit.db import Database
from stack.layout import DATABASES
from tests.support.postgres import ROLE, as_owner
from tests.support.services import SOURCES


@pytest.mark.parametrize("name", DATABASES)
def test_the_names_of_the_files_tell_the_order_of_the_revisions(name):
    revisions = ScriptDirectory(str(SOURCES[name] / "migrations")).walk_revisions()
    files = [Path(each.path).stem for each in revisions]
    assert files == sorted(files, reverse=True)
    assert files[-1] == "0001_tables"


@pytest.mark.parametrize("name", DATABASES)
def test_migrations_make_the_tables_of_the_models(postgres, name):
    migrate.check(name, as_owner(postgres.migrated(name, f"minsu_models_{name}")))


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


@pytest.mark.parametrize("name", DATABASES)
async def test_acts_of_before_the_chain_are_chained_by_the_migration(postgres, name):
    """In the order of their ids; and who writes without knowing of the chain, as a pod of the build before, is chained."""
    url = postgres.create(f"minsu_chaining_{name}")
    insert = (
        "insert into operator_act (id, operator_id, act, subject, note, acted_at)"
        " values (%s, 9, 'replay', 'dead-letter:1', %s, now())"
    )
    with migrate._connected(url) as connection:
        configuration = migrate.configuration(name, connection)
        [chain] = [
            each
            for each in ScriptDirectory.from_config(configuration).walk_revisions()
            if each.revision.endswith("_act_chain")
        ]
        command.upgrade(configuration, chain.down_revision)
        connection.commit()
        with psycopg.connect(url) as before:
            for number, note in ((3, "一"), (5, None), (9, "b")):
                before.execute(insert, (number, note))
        command.upgrade(configuration, "head")
        connection.commit()
    with psycopg.connect(url) as after:
        after.execute(insert, (20, "later"))
        kept = after.execute("select id, seq from operator_act order by seq").fetchall()
    assert kept == [(3, 1), (5, 2), (9, 3), (20, 4)]
    db = Database(url)
    found = await Audit(db=db).verify()
    await db.close()
    assert (found.head.seq, found.verified.seq, found.broken) == (4, 4, None)


@pytest.mark.parametrize("name", DATABASES)
def test_what_operators_did_is_neither_changed_nor_removed(postgres, name):
    with psycopg.connect(as_owner(postgres.migrated(name, f"minsu_kept_acts_{name}")), autocommit=True) as connection:
        connection.execute(
            "insert into operator_act (operator_id, act, subject, acted_at) values (9, 'replay', 'dead-letter:1', now())"
        )
        before = connection.execute("select * from operator_act").fetchall()
        for statement in ("update operator_act set note = 'x'", "delete from operator_act", "truncate operator_act"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(statement)
        assert connection.execute("select * from operator_act").fetchall() == before


@pytest.mark.parametrize("name", DATABASES)
def test_a_migration_imports_nothing_of_the_service_but_its_revisions(postgres, name):
    """It runs before every start, of each service: half a second of processor time where all of the service is 1.5."""
    prefix = name.upper()
    given = {
        f"{prefix}_OWNER_DATABASE_URL": postgres.create(f"minsu_imports_{name}"),
        f"{prefix}_DATABASE_ROLE": ROLE,
    }
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", name, "migrate"],
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert done.stdout == f"{name}: database is up to date\n"
    assert {f"{name}.models", "fastapi", "asyncpg", "httpx", "aiohttp"} & imported == set()
    assert {"alembic", "psycopg", "servicekit.migrate"} <= imported
