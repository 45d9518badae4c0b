"""The tables of each service as SQL, for a service in another language that takes its seat: contracts/tables."""

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from servicekit.migrate import tables_of
from tests.support.services import SOURCES

HEAD = """\
-- Tables of {name}, PostgreSQL. Made of its models by `make contracts`; edits are lost. `python -m {name} migrate`
-- creates them, with what models do not say: triggers (append_only, the chain of operator_act), rights of the role.
"""


def text(name: str) -> str:
    statements = (str(each.compile(dialect=postgresql.dialect())).strip() for each in _statements(name))
    return HEAD.format(name=name) + "".join(_lines(statements))


def _lines(statements: Iterable[str]) -> Iterator[str]:
    """An empty line before each table, spaces for tabs."""
    for statement in statements:
        lines = [line.rstrip().replace("\t", "  ") for line in f"{statement};".splitlines() if line.strip()]
        yield from (f"\n{line}\n" if line.startswith("CREATE TABLE") else f"{line}\n" for line in lines)


def _statements(name: str) -> Iterator[CreateTable | CreateIndex]:
    for metadata in _metadata(name):
        for table in metadata.sorted_tables:
            yield CreateTable(table)
            yield from (CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name)))


def _metadata(name: str) -> list[MetaData]:
    """Those that the service's migrations create, as `migrations/env.py` names them."""
    named = re.findall(r'"(\w+)"', (SOURCES[name] / "migrations" / "env.py").read_text().partition("run_env(")[2])
    return tables_of(*named)
