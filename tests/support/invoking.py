"""Calls by an app's own sidecar, as that app could make them: with its sidecar's token and headers of its choice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.stack import read_stack_env
from tests.support.system import System

DROPPED = {"Connection": "dapr-caller-app-id, dapr-callee-app-id, dapr-caller-namespace, forwarded, x-forwarded-for"}
"""What a caller has the sidecars drop on the way: daprd honours any header that `Connection` names."""
HTTP = httpx.Client(timeout=10)
"""One for all calls: to make one takes longer than a call."""


def as_app(
    system: System, app: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """`path` begins with the app-id that is called; it goes out as it is written."""
    token = read_stack_env(Path(system.environment["RUN_DIR"]) / "env" / f"{app}-daprd.env")["DAPR_API_TOKEN"]
    port = system.environment[f"{app.upper()}_DAPR_HTTP_PORT"]
    callee, _, rest = path.partition("/")
    url = f"http://127.0.0.1:{port}/v1.0/invoke/{callee}/method/{rest}"
    return HTTP.request(method, url, json=body, headers={"dapr-api-token": token, **(headers or {})})
