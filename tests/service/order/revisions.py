"""Databases of order at an earlier revision, for tests of migrations."""

from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from servicekit import migrate
from tests.support.postgres import PostgresServer


def database_at(postgres: PostgresServer, name: str, revision: str) -> str:
    """The URL of a new database whose tables are those of `revision`."""
    url = postgres.create(name)
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        command.upgrade(migrate.configuration("order", connection), revision)
    return url
