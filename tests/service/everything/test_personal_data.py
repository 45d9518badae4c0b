"""Every column of every table is classified in docs/personal-data.md, and what is personal has a term."""

import re

import psycopg
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from order import personal_data as order
from servicekit.idempotency import _once
from stack.layout import DATABASES
from tests.deploy.manifests import REPO
from travel import personal_data as travel
from usercenter import personal_data as usercenter

SHARED = "every service"
COLUMNS = (
    "select table_name, array_agg(column_name::text) from information_schema.columns"
    " where table_schema = 'public' and table_name <> 'alembic_version' group by table_name"
)


def documented():
    """(service, table) → (personal, not personal, how long)."""
    found, service = {}, ""
    for line in (REPO / "docs/personal-data.md").read_text().splitlines():
        if line.startswith("## "):
            service = line.removeprefix("## ")
        elif line.startswith("| `"):
            table, personal, other, kept = (cell.strip() for cell in line.strip("|").split(" | "))
            names = [re.findall("`([^`]+)`", cell) for cell in (table, personal, other)]
            found[service, names[0][0]] = (names[1], names[2], kept)
    return found


@pytest.mark.parametrize("name", DATABASES)
def test_every_column_is_classified(postgres, name):
    classified = documented()
    with psycopg.connect(postgres.migrated(name, f"minsu_personal_{name}")) as connection:
        tables = dict(connection.execute(COLUMNS).fetchall())

    named = {
        table: [*personal, *other]
        for (service, table), (personal, other, _) in classified.items()
        if service == name or (service == SHARED and table in tables)
    }

    assert {table: sorted(columns) for table, columns in named.items()} == {
        table: sorted(columns) for table, columns in tables.items()
    }


HOLDINGS = {"usercenter": usercenter.HOLDINGS, "order": order.HOLDINGS, "travel": travel.HOLDINGS}


@pytest.mark.parametrize("name", HOLDINGS)
def test_kept_first_responses_of_a_person_are_found_by_the_primary_key(postgres, name):
    """A day's creating requests of everyone are in the table."""
    [holding] = [each for each in HOLDINGS[name] if each.what == "requests"]
    with psycopg.connect(postgres.migrated(name, f"minsu_keys_{name}")) as connection:
        connection.execute("set enable_seqscan = off")
        for statement in (holding.read, holding.erase):
            given = statement.replace(":user_id", "7::bigint").replace(":most", "1000")
            plan = "\n".join(row[0] for row in connection.execute(f"explain {given}".encode()))
            assert re.search(r"Index Cond: \(\(?scope = ", plan), plan


@pytest.mark.parametrize("name", HOLDINGS)
def test_every_endpoint_that_keeps_first_responses_of_a_user_is_named(services, name):
    [holding] = [each for each in HOLDINGS[name] if each.what == "requests"]
    keeping = {
        each.path
        for each in iter_route_contexts(services[name].app.routes)
        if any(part.call is _once for part in getattr(each, "dependant", Dependant()).dependencies)
    }
    assert keeping
    not_by_person = {"/usercenter/v1/user/wxMiniAuth"}  # by WeChat's code
    assert {path for path in keeping if f"{path}'" in holding.read} == keeping - not_by_person


def test_what_is_personal_says_how_long_it_is_kept():
    for (service, table), (personal, _, kept) in documented().items():
        assert bool(personal) == (kept != "–"), (service, table)
