"""What a server imports stays in its memory for ever: gRPC and Alembic cost 34 MB in each of six services."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["gateway", "notification", "order", "payment", "travel", "usercenter"])
def test_a_server_starts_without_grpc_and_migrations(service):
    heavy = "sorted({'alembic', 'dapr', 'grpc', 'psycopg'} & set(sys.modules))"
    code = f"import sys, {service}.__main__; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
