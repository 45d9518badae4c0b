"""A database whose revision this version does not know, as in a run folder of before the migrations became one per service,
is told in one line with what to do.
"""

from types import SimpleNamespace

import psycopg
import pytest

from servicekit import migrate
from stack import layout
from stack.environment import External
from stack.errors import StackError
from stack.parts import run_once

SAID = "travel: the database was made by another version (revision 0999)"


@pytest.mark.parametrize(
    ("databases", "advice"),
    [
        ({}, "`make clean` forgets all data in"),
        ({"travel": "postgresql://elsewhere"}, "give TRAVEL_DATABASE_URL another database"),
    ],
    ids=["our own", "the caller's"],
)
def test_it_is_told_in_one_line_with_what_to_do_and_nothing_is_changed(postgres, tmp_path, databases, advice):
    url = postgres.create(f"travel_of_another_version_{len(databases)}")
    migrate.upgrade("travel", url)
    with psycopg.connect(url) as connection:
        connection.execute("update alembic_version set version_num = '0999'")
    environment = SimpleNamespace(
        layout=layout.plan({"MINSU_RUN_DIR": str(tmp_path)}),
        outside=External(databases),
        service=lambda _: {},
        seed=lambda _: {},
        migration=lambda _: {"TRAVEL_OWNER_DATABASE_URL": url},
    )
    log = tmp_path / "travel-migrate.log"

    with pytest.raises(StackError) as refused:
        run_once(environment, "travel", "migrate", log)

    assert log.read_text() == f"{SAID}\n"
    assert str(refused.value).startswith(f"{SAID}; {advice}")
    assert "\n" not in str(refused.value)
    with psycopg.connect(url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [("0999",)]
        assert connection.execute("select count(*) from homestay").fetchone() == (0,)
