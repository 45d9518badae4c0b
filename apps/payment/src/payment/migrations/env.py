"""Alembic's environment: payment's own tables and the servicekit tables it owns."""

from payment.models import Base
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
