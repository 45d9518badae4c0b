"""Alembic's environment: this service's tables and the servicekit ones that it owns."""

from order.models import Base
from servicekit import acts, deadletters, idempotency, inbox, outbox, replicas
from servicekit.migrate import run_env

run_env(
    Base.metadata,
    acts.metadata,
    outbox.metadata,
    inbox.metadata,
    deadletters.metadata,
    idempotency.metadata,
    replicas.metadata,
)
