"""Migrations beside traffic, by docs/guides/deploy.md: no table is waited for long, no rows are read under a lock that
blocks every other statement, and the code of before runs on the new tables. Tried with order and two later revisions,
made here."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

import order
from servicekit import migrate
from tests.support.waiting import eventually

WAITING = "select xact_start from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
ADVISORY_LOCKS = """
    select count(*) from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and datname = current_database()
"""
OTHERS = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type = 'client backend'"
)
BUILDS = (
    "select query_start from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    " and query ilike '%index%' and pid <> pg_backend_pid()"
)
WRITES = "lock table outbox in row exclusive mode"
UNCHECKED = "select conname from pg_constraint where not convalidated"
REVISION = "select version_num from alembic_version"
LATER = "order_of_a_later_version"
with_migrations = Config()
with_migrations.set_main_option("script_location", str(Path(order.__file__).parent / "migrations"))
REVISIONS = [each.revision for each in ScriptDirectory.from_config(with_migrations).walk_revisions()][::-1]
HEADER = 'from alembic import op\nimport sqlalchemy as sa\nrevision = "{revision}"\ndown_revision = "{before}"\n'
ADDS = (
    HEADER.format(revision="channel", before=REVISIONS[-1])
    + """
def upgrade() -> None:
    op.add_column("homestay_order", sa.Column("channel", sa.Text(), nullable=True))
    rule = "channel is null or channel in ('web', 'mini')"
    op.create_check_constraint("channel", "homestay_order", rule, postgresql_not_valid=True)
"""
)
CHECKS = (
    HEADER.format(revision="channel_checked", before="channel")
    + """
def upgrade() -> None:
    op.execute("alter table homestay_order validate constraint channel")
"""
)
AN_ORDER = (
    "insert into homestay_order (created_at, version, sn, user_id, homestay_id, homestay_business_id, homestay_user_id,"
    " title, sub_title, cover, info, people_num, sold_by, food_info, food_price_fen, homestay_price_fen,"
    " market_homestay_price_fen, live_start_date, live_end_date, live_people_num, need_food, remark, order_total_fen,"
    " food_total_fen, homestay_total_fen, trade_state, close_at, due_at)"
    " values (now(), 1, %s, 101, 7, 3, 201, 't', '', '', '', 4, 0, '', 0, 19900, 19900, current_date, current_date + 1, 2,"
    " false, '', 19900, 0, 19900, 0, now(), now())"
)


@pytest.fixture
def later(tmp_path, monkeypatch):
    """The order package with two more revisions: a column with a constraint, and the check of the rows."""
    package = tmp_path / LATER
    shutil.copytree(Path(order.__file__).parent / "migrations", package / "migrations")
    (package / "__init__.py").touch()
    (package / "migrations/versions/channel.py").write_text(ADDS)
    (package / "migrations/versions/channel_checked.py").write_text(CHECKS)
    monkeypatch.syspath_prepend(tmp_path)
    return LATER


def to_revision(package, url, revision):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        command.upgrade(migrate.configuration(package, connection), revision)
    engine.dispose()


def unchecked(url):
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(UNCHECKED)]


def test_a_constraint_comes_without_a_look_at_the_rows_and_is_checked_afterwards(postgres, later):
    url = postgres.create("migrate_constraint")
    to_revision(later, url, "channel")
    assert unchecked(url) == ["channel"]
    migrate.upgrade(later, url)
    assert unchecked(url) == []


def test_the_code_of_before_runs_on_the_tables_of_every_revision(postgres, later):
    url = postgres.create("migrate_old_code")
    revisions = [*REVISIONS, "channel", "channel_checked"]
    for number, revision in enumerate(revisions):
        to_revision(later, url, revision)
        with psycopg.connect(url) as old_code:
            old_code.execute(AN_ORDER, (f"HSO{number}",))
    with psycopg.connect(url) as connection:
        assert connection.execute("select sn, channel from homestay_order order by id").fetchall() == [
            (f"HSO{number}", None) for number in range(len(revisions))
        ]
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("update homestay_order set channel = 'fax'")


def test_a_table_that_is_in_use_is_left_to_its_users_and_asked_for_again(postgres, later):
    url = postgres.create("migrate_beside_traffic")
    migrate.upgrade("order", url)
    waits = set()

    def came_twice():
        waits.update(watcher.execute(WAITING).fetchall())
        return len(waits) >= 2

    with (
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url) as user,
        ThreadPoolExecutor() as thread,
    ):
        user.execute("select 1 from homestay_order")
        migrating = thread.submit(migrate.upgrade, later, url)
        eventually(came_twice, what="a second try")
        assert watcher.execute(REVISION).fetchall() == [(REVISIONS[-1],)]
        user.rollback()
        migrating.result(timeout=60)
        assert watcher.execute("select count(*) from homestay_order where channel is not null").fetchone() == (0,)
    assert unchecked(url) == []


def test_an_index_is_built_beside_those_who_write_and_other_migrators_that_wait(postgres):
    url = postgres.create("migrate_index")
    to_revision("order", url, "0009_confirmation_times")
    builds = set()

    def came_twice():
        builds.update(watcher.execute(BUILDS).fetchall())
        return len(builds) >= 2

    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url) as user,
    ):
        user.execute(WRITES)
        migrating = [threads.submit(migrate.upgrade, "order", url) for _ in range(3)]
        eventually(came_twice, what="a second try")
        with psycopg.connect(url, options="-c lock_timeout=500") as other:
            other.execute(WRITES)
        user.rollback()
        for each in migrating:
            each.result(timeout=60)
        assert watcher.execute(REVISION).fetchall() == [(REVISIONS[-1],)]
        assert watcher.execute("select indexrelid::regclass::text from pg_index where not indisvalid").fetchall() == []
        assert watcher.execute("select to_regclass('ix_outbox_partition_key') is not null").fetchone() == (True,)


def test_another_fault_is_not_tried_again(postgres, later):
    url = postgres.create("migrate_in_vain")
    migrate.upgrade("order", url)
    with psycopg.connect(url) as connection:
        connection.execute("alter table homestay_order add column channel text")
    with pytest.raises(ProgrammingError, match="already exists"):
        migrate.upgrade(later, url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(ADVISORY_LOCKS).fetchone() == (0,)
        eventually(lambda: connection.execute(OTHERS).fetchone() == (0,), what="the migration has left the database")


def test_a_database_of_revisions_that_are_unknown_is_left_alone_with_one_line(postgres, later):
    url = postgres.create("migrate_unknown")
    migrate.upgrade(later, url)
    with pytest.raises(migrate.UnknownRevision, match=r"made by another version \(revision channel_checked\)"):
        migrate.upgrade("order", url)
    with psycopg.connect(url) as connection:
        assert connection.execute(REVISION).fetchall() == [("channel_checked",)]
