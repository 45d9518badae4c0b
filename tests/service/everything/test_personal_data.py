"""Every column of every table is classified in docs/personal-data.md, and what is personal has a term."""

import re

import psycopg
import pytest

from stack.layout import DATABASES
from tests.deploy.manifests import REPO

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


def test_what_is_personal_says_how_long_it_is_kept():
    for (service, table), (personal, _, kept) in documented().items():
        assert bool(personal) == (kept != "–"), (service, table)
