"""Alembic's environment: the lock, the connection and the transaction are servicekit's."""

from servicekit import acts, idempotency, replicas
from servicekit.migrate import run_env
from usercenter import models

run_env(models.Base.metadata, idempotency.metadata, acts.metadata, replicas.metadata)
