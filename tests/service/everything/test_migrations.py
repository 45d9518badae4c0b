"""Models and migrations of every service describe the same tables."""

import pytest

from servicekit import migrate
from stack.layout import DATABASES


@pytest.mark.parametrize("name", DATABASES)
def test_migrations_make_the_tables_of_the_models(postgres, name):
    migrate.check(name, postgres.migrated(name, f"minsu_models_{name}"))
