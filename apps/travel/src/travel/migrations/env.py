"""Alembic's environment: the lock, the connection and the transaction are servicekit's."""

from servicekit import acts, deadletters, idempotency, inbox, replicas
from servicekit.migrate import run_env
from travel import models

run_env(
    models.Base.metadata, acts.metadata, inbox.metadata, deadletters.metadata, idempotency.metadata, replicas.metadata
)
