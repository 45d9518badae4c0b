"""Alembic's environment: this service's tables and the servicekit tables that it owns."""

from notification.models import Base
from servicekit import acts, deadletters, inbox, replicas
from servicekit.migrate import run_env

run_env(Base.metadata, acts.metadata, inbox.metadata, deadletters.metadata, replicas.metadata)
