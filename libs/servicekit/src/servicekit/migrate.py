"""Alembic under an advisory lock: any number of replicas may start at once, one migrates, the others find it done."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import make_url

LOCK_ID = 7_301_002


def upgrade(package: str, database_url: str) -> None:
    """Bring the database of `package` to its newest revision. Waits for another's migration."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:id)"), {"id": LOCK_ID})
        connection.commit()
        try:
            command.upgrade(configuration(package, connection), "head")
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:id)"), {"id": LOCK_ID})
            connection.commit()
    engine.dispose()


def configuration(package: str, connection: Connection) -> Config:
    import importlib  # noqa: PLC0415 - only migrations need to find a package by name

    module = importlib.import_module(package)
    config = Config()
    config.set_main_option("script_location", str(Path(str(module.__file__)).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def run_env(*metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`: `metadata` is its own and those of the servicekit tables it uses."""
    from alembic import context  # noqa: PLC0415 - a proxy that exists only while Alembic runs the environment

    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=list(metadata),
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
