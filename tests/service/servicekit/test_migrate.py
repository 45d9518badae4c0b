"""Migrations beside traffic: no table is waited for long, and no rows are read under a lock that stops everybody."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from servicekit import migrate
from tests.support.waiting import eventually

WAITING = "select xact_start from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
OTHERS = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type = 'client backend'"
)
UNCHECKED = "select conname from pg_constraint where not convalidated"
PACKAGE = "tests.service.servicekit.upgraded"


def to_revision(url, revision):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        command.upgrade(migrate.configuration(PACKAGE, connection), revision)
    engine.dispose()


def unchecked(url):
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(UNCHECKED)]


def test_a_constraint_comes_without_a_look_at_the_rows_and_is_checked_afterwards(postgres):
    url = postgres.create("migrate_in_two_steps")
    to_revision(url, "0002")
    assert unchecked(url) == ["ck_thing_colour"]
    migrate.upgrade(PACKAGE, url)
    assert unchecked(url) == []


def test_a_table_that_is_in_use_is_left_to_its_users_and_asked_for_again(postgres):
    url = postgres.create("migrate_beside_traffic")
    to_revision(url, "0001")
    waits = set()

    def came_twice():
        waits.update(watcher.execute(WAITING).fetchall())
        return len(waits) >= 2

    with (
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url) as user,
        ThreadPoolExecutor() as thread,
    ):
        user.execute("select 1 from thing")
        migrating = thread.submit(migrate.upgrade, PACKAGE, url)
        eventually(came_twice, what="a second try")
        assert watcher.execute("select version_num from alembic_version").fetchall() == [("0001",)]
        user.rollback()
        migrating.result(timeout=60)
        assert watcher.execute("select count(*) from thing where colour is not null").fetchone() == (0,)
    assert unchecked(url) == []


def test_another_fault_is_not_tried_again(postgres):
    url = postgres.create("migrate_in_vain")
    to_revision(url, "0001")
    with psycopg.connect(url) as connection:
        connection.execute("alter table thing add column colour text")
    with pytest.raises(ProgrammingError, match="already exists"):
        migrate.upgrade(PACKAGE, url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
        eventually(lambda: connection.execute(OTHERS).fetchone() == (0,), what="the migration has left the database")
