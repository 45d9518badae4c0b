"""Alembic's environment: this service's tables and the servicekit ones that it owns."""

from sqlalchemy import MetaData

from servicekit.migrate import run_env


def tables() -> list[MetaData]:
    from servicekit import acts, idempotency, replicas  # noqa: PLC0415 - see above
    from usercenter.models import Base  # noqa: PLC0415 - the service, which only a comparison needs

    return [Base.metadata, idempotency.metadata, acts.metadata, replicas.metadata]


run_env(tables)
