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
REVISIONS = {
    "payment": ("0006", "ck_refund_elsewhere_after_abnormal"),
    "order": ("0005", "ck_homestay_order_refund_state"),
    "notification": ("0003", "ck_notification_task_kind"),
}


def to_revision(package, url, revision):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        command.upgrade(migrate.configuration(package, connection), revision)
    engine.dispose()


def unchecked(url):
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(UNCHECKED)]


@pytest.mark.parametrize(("package", "revision", "constraint"), [(name, *each) for name, each in REVISIONS.items()])
def test_a_constraint_comes_without_a_look_at_the_rows_and_is_checked_afterwards(
    postgres, package, revision, constraint
):
    url = postgres.create(f"migrate_{package}")
    to_revision(package, url, revision)
    assert unchecked(url) == [constraint]
    migrate.upgrade(package, url)
    assert unchecked(url) == []


def test_a_table_that_is_in_use_is_left_to_its_users_and_asked_for_again(postgres):
    url = postgres.create("migrate_beside_traffic")
    to_revision("payment", url, "0005")
    waits = set()

    def came_twice():
        waits.update(watcher.execute(WAITING).fetchall())
        return len(waits) >= 2

    with (
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url) as user,
        ThreadPoolExecutor() as thread,
    ):
        user.execute("select 1 from refund")
        migrating = thread.submit(migrate.upgrade, "payment", url)
        eventually(came_twice, what="a second try")
        assert watcher.execute("select version_num from alembic_version").fetchall() == [("0005",)]
        user.rollback()
        migrating.result(timeout=60)
        assert watcher.execute("select count(*) from refund where sent_elsewhere_at is not null").fetchone() == (0,)
    assert unchecked(url) == []


def test_another_fault_is_not_tried_again(postgres):
    url = postgres.create("migrate_in_vain")
    to_revision("payment", url, "0005")
    with psycopg.connect(url) as connection:
        connection.execute("alter table refund add column sent_elsewhere_at timestamptz")
    with pytest.raises(ProgrammingError, match="already exists"):
        migrate.upgrade("payment", url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
        eventually(lambda: connection.execute(OTHERS).fetchone() == (0,), what="the migration has left the database")
