"""The Dapr SDK's `DaprApp` alone. Its package imports actors as well, and with them gRPC: 22 MB in every service."""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from dapr.ext.fastapi import DaprApp


def dapr_app(app: FastAPI) -> "DaprApp":
    """`DaprApp(app)`, which serves `GET /dapr/subscribe`. Raises ImportError where the SDK has it in another file."""
    package = find_spec("dapr.ext.fastapi")  # finds it without running it
    file = Path(package.origin or "").with_name("app.py") if package else Path()
    spec = spec_from_file_location("dapr.ext.fastapi.app", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"no DaprApp in {file}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    subscriptions: DaprApp = module.DaprApp(app)
    return subscriptions
