"""What a server imports stays in its memory for ever: gRPC and Alembic cost 34 MB in each of six services.
OpenTelemetry's SDK and its exporter are only there for traces."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["gateway", "notification", "order", "payment", "travel", "usercenter"])
def test_a_server_starts_without_grpc_migrations_and_traces(service):
    heavy = "sorted({'alembic', 'dapr', 'grpc', 'psycopg', 'opentelemetry.sdk', 'requests'} & set(sys.modules))"
    code = f"import sys, {service}.__main__, {service}.main, servicekit.serving; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_subscriptions_are_announced_by_the_sdk_without_its_grpc():
    code = (
        "import sys; from fastapi import FastAPI; from fastapi.testclient import TestClient\n"
        "from servicekit.dapr_app import dapr_app; app = FastAPI()\n"
        "dapr_app(app).subscribe('pubsub', 'a-topic', route='/letters')(lambda: None)\n"
        "print(TestClient(app).get('/dapr/subscribe').json(), 'grpc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    announced = {"pubsubname": "pubsub", "topic": "a-topic", "route": "/letters", "metadata": {}}
    assert done.stdout.strip() == f"{[announced]} False"
