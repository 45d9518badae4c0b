"""Alembic's environment: this service's tables and the servicekit ones that it owns."""

from sqlalchemy import MetaData

from servicekit.migrate import run_env


def tables() -> list[MetaData]:
    from payment.models import Base  # noqa: PLC0415 - the service, which only a comparison needs
    from servicekit import acts, deadletters, idempotency, inbox, outbox, replicas  # noqa: PLC0415 - see above

    return [
        Base.metadata,
        acts.metadata,
        outbox.metadata,
        inbox.metadata,
        deadletters.metadata,
        idempotency.metadata,
        replicas.metadata,
    ]


run_env(tables)
