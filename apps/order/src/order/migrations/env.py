"""Alembic's environment: this service's tables and the servicekit ones that it owns."""

from servicekit.migrate import run_env

run_env("order", "acts", "outbox", "inbox", "deadletters", "idempotency", "replicas")
