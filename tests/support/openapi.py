"""The public API as the contracts have it: each service's OpenAPI document, and what a method of it takes."""

import json
from pathlib import Path
from typing import Any

from gateway.routes import PUBLIC, PublicRoute
from tests.support.mutations import resolve

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts" / "openapi"
DOCUMENTS: dict[str, dict[str, Any]] = {
    route.app_id: json.loads((CONTRACTS / f"{route.app_id}.public.json").read_text()) for route in PUBLIC
}


def body_schema(route: PublicRoute) -> dict[str, Any] | None:
    """The JSON Schema of the request's body, its reference resolved; None where it has no body."""
    document = DOCUMENTS[route.app_id]
    content = document["paths"][route.path]["post"].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return resolve(schema, document) if schema else None
