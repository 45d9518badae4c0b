"""The role that a service works as reads and writes rows, and nothing else: what is append-only stays so."""

import psycopg
import pytest
from psycopg import sql

from servicekit import migrate
from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from stack.layout import DATABASES
from tests.support.postgres import ROLE, as_owner

APPEND_ONLY = {
    "order": ["operator_act", "order_transition"],
    "payment": ["operator_act", "payment_transition", "payout_record", "refund_transition"],
    "travel": ["host_change", "operator_act"],
    "usercenter": ["operator_act"],
    "notification": ["operator_act"],
}
FORBIDDEN = (
    "drop table {0}",
    "truncate {0}",
    "update {0} set {1} = {1}",
    "delete from {0}",
    "alter table {0} disable trigger append_only",
    "alter table {0} disable trigger all",
    "drop trigger append_only on {0}",
    "alter table {0} add column more text",
    "alter table {0} owner to service",
    "create index on {0} ({1})",
    "create table more (id int)",
    "create function refuse_more() returns int language sql as 'select 1'",
    "set session_replication_role = replica",
    "set role postgres",
    "update alembic_version set version_num = 'none'",
)
RIGHTS = """
select relname, string_agg(lower(privilege_type), ' ' order by privilege_type)
  from pg_class, aclexplode(relacl) where grantee = 'service'::regrole and relkind = 'r' group by relname
"""


@pytest.fixture(scope="module")
def urls(postgres) -> dict[str, str]:
    return {name: postgres.migrated(name, f"minsu_roles_{name}") for name in DATABASES}


@pytest.mark.parametrize("name", DATABASES)
def test_every_table_is_read_and_written_and_what_is_append_only_is_added_to_alone(urls, name):
    with psycopg.connect(as_owner(urls[name])) as connection:
        found = dict(connection.execute(RIGHTS.encode()).fetchall())
        tables = connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        ).fetchall()

    expected = dict.fromkeys((table for (table,) in tables), "delete insert select update")
    assert found == expected | dict.fromkeys(APPEND_ONLY[name], "insert select") | {
        "alembic_version": "select",
        "operator_act_head": "select",
    }


@pytest.mark.parametrize("statement", FORBIDDEN)
@pytest.mark.parametrize("name", DATABASES)
def test_the_services_role_is_refused_what_only_an_owner_may_do(urls, name, statement):
    with psycopg.connect(urls[name], autocommit=True) as connection:
        for table in APPEND_ONLY[name]:
            column = connection.execute(sql.SQL("table {}").format(sql.Identifier(table))).description[0].name
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.format(table, column).encode())


async def test_a_replica_whose_role_was_given_no_rights_yet_is_not_ready(postgres):
    owner = postgres.create("minsu_roles_not_granted")
    migrate.upgrade("usercenter", owner)
    database = Database(postgres.url("minsu_roles_not_granted", ROLE))
    try:
        with pytest.raises(DatabaseUnavailable, match="migrate has not run"):
            await database.ping()
        migrate.upgrade("usercenter", owner, ROLE)
        await database.ping()
    finally:
        await database.close()


def test_who_owns_the_tables_and_works_as_owner_keeps_all_rights(postgres):
    owner = postgres.create("minsu_roles_one")
    migrate.upgrade("usercenter", owner, "postgres")
    with psycopg.connect(owner) as connection:
        assert connection.execute("select relacl from pg_class where relname = 'operator_act'").fetchone() == (None,)
