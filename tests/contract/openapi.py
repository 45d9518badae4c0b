"""Each service's OpenAPI as two documents: what the internet reaches, and what only the service's own sidecar reaches.

FastAPI describes the public and the internal methods; deliveries, jobs and probes, which it does not, are described here,
once for all services, with the schemas of contracts/delivery.
"""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from servicekit import auth
from tests.contract.service_contracts import COMMON
from tests.contract.service_contracts import document as service_contract

Document = dict[str, Any]
DELIVERY = Path(__file__).resolve().parents[2] / "contracts" / "delivery"
INNER = ("/internal/", "/jobs/", "/events/", "/dapr/")
PROBLEM = re.compile(r"([a-z][a-z-]+) \((\d{6})\)")
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
ROLES: dict[Callable[..., Any], str] = {
    auth._merchant: "merchant",
    auth._operator: "operator",
    auth._money_operator: "operator, who has proven their identity in the last ten minutes",
}
SCHEMES = {
    "userToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "ES256, of usercenter (contracts/services/common.yaml: tokens.user)",
    },
    "sidecarToken": {
        "type": "apiKey",
        "in": "header",
        "name": COMMON["tokens"]["fromSidecar"]["header"],
        "description": "APP_API_TOKEN: the service's own sidecar shows it",
    },
}
SERVERS = {
    "public": [
        {"url": "https://{host}", "description": "the gateway", "variables": {"host": {"default": "minsu.example"}}}
    ],
    "internal": [
        {"url": "http://127.0.0.1:{port}", "description": "APP_PORT", "variables": {"port": {"default": "8000"}}}
    ],
}
ABOUT = {
    "public": "What the internet reaches, by the gateway's table. Every refusal is one of contracts/problems.json.",
    "internal": "What only the service's own sidecar reaches: peers' calls, deliveries of events, cron ticks, and probes. "
    "Which app may call what, tokens and what answers mean: contracts/services.",
}


def documents(name: str, app: FastAPI) -> dict[str, Document]:
    """`public` and `internal`, each with the schemas that it uses."""
    whole = deepcopy(app.openapi())
    routes = {context.path: context for context in iter_route_contexts(app.routes)}
    public = {path: item for path, item in whole["paths"].items() if not path.startswith(INNER)}
    internal = {path: item for path, item in whole["paths"].items() if path.startswith("/internal/")}
    for path, item in (public | internal).items():
        for operation in item.values():
            _complete(operation, path, routes[path])
    for path, item in internal.items():
        for operation in item.values():
            operation["security"] = [{"sidecarToken": []}]
            operation["x-callers"] = sorted(_callers(name)[path.rpartition("/")[2]])
    schemas = whole["components"]["schemas"]
    return {
        "public": _document(name, "public", public, schemas),
        "internal": _document(name, "internal", internal | dict(_sidecars(name)), schemas | _delivery_schemas()),
    }


def _document(name: str, kind: str, paths: Document, schemas: Document) -> Document:
    used = sorted(
        {
            scheme
            for item in paths.values()
            for operation in item.values()
            for each in operation["security"]
            for scheme in each
        }
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": f"minsu {name}, {kind}", "version": "1.0.0", "description": ABOUT[kind], "license": LICENSE},
        "externalDocs": {"url": "../problems.json", "description": "every problem: slug, code, status, texts"},
        "servers": SERVERS[kind],
        "tags": [
            {"name": tag}
            for tag in sorted({tag for item in paths.values() for each in item.values() for tag in each["tags"]})
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {name: SCHEMES[name] for name in used},
            "schemas": dict(_used(paths, schemas)),
        },
    }


def _complete(operation: Document, path: str, route: RouteContext) -> None:
    roles = [ROLES[call] for call in _calls(route.dependant) if call in ROLES]
    signed_in = any(call is auth._current_user for call in _calls(route.dependant))
    operation["security"] = [{"userToken": []}] if signed_in else []
    operation["operationId"] = path.strip("/").replace("/", ".")
    operation.setdefault("tags", [_group(path)])
    if roles:
        operation["x-role"] = roles[-1]
    for response in operation["responses"].values():
        if slugs := [slug for slug, _ in PROBLEM.findall(response["description"])]:
            response["x-problems"] = slugs


def _group(path: str) -> str:
    """`/order/v1/homestayOrder/detail` → `homestayOrder`."""
    return path.split("/")[-2]


def _calls(dependant: Any) -> Iterator[Callable[..., Any]]:
    """Every dependency of a route, the innermost first."""
    for each in dependant.dependencies:
        yield from _calls(each)
        yield each.call


def _callers(name: str) -> dict[str, set[str]]:
    callers: dict[str, set[str]] = import_module(f"{name}.endpoints.internal").CALLERS
    return callers


def _sidecars(name: str) -> Iterator[tuple[str, Document]]:
    """Paths of deliveries, jobs and probes, as the service's contract names them."""
    contract = service_contract(name)
    for each in contract["subscriptions"]:
        about = {"x-topic": each["topic"], "x-messages": each["messages"]}
        taken = {"oneOf": [_ref("BulkDelivery"), _ref("CloudEvent")]}
        given = {"oneOf": [_ref("BulkResult"), _ref("DeliveryResult")]}
        summary = f"Events of {each['topic']}"
        yield each["route"], _post(each["route"], "events", summary, each["does"], _json(taken), _json(given), **about)
        route, summary = each["deadLetterRoute"], f"Dead letters of {each['topic']}"
        about["x-topic"] = each["deadLetterTopic"]
        anything = {"application/cloudevents+json": {"schema": {}}}
        text = "Stores the letter whatever it is; 503 brings it again."
        yield route, _post(route, "events", summary, text, anything, _json(_ref("DeliveryResult")), **about)
    for each in contract["jobs"]:
        counted = ("claimed", *OUTCOMES) if each["route"].endswith("-reapply-dead-letters") else ("claimed",)
        claimed = {
            "type": "object",
            "properties": {name: {"type": "integer", "minimum": 0} for name in counted},
            "required": ["claimed"],
        }
        yield each["route"], _post(each["route"], "jobs", f"Cron {each['schedule']}", each["does"], {}, _json(claimed))
    if contract["subscriptions"]:
        announced = {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pubsubname": {"type": "string"},
                    "topic": {"type": "string"},
                    "route": {"type": "string"},
                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                },
                "required": ["pubsubname", "topic", "route"],
            },
        }
        yield (
            "/dapr/subscribe",
            _get("/dapr/subscribe", "Announces the readers of dead letters", _json(announced), guarded=True),
        )
    for probe, each in COMMON["health"].items():
        content = _json({"type": "object"}) if probe != "metrics" else {"text/plain": {"schema": {"type": "string"}}}
        yield each["path"], _get(each["path"], each["healthy"], content, guarded=False)


def _post(path: str, tag: str, summary: str, text: str, taken: Document, given: Document, **about: Any) -> Document:
    body = {"requestBody": {"content": taken, "required": True}} if taken else {}
    operation = _operation(path, tag, summary, given, guarded=True) | {"description": " ".join(text.split())}
    return {"post": operation | body | about}


def _get(path: str, summary: str, given: Document, *, guarded: bool) -> Document:
    return {"get": _operation(path, "sidecar", summary, given, guarded=guarded)}


def _operation(path: str, tag: str, summary: str, given: Document, *, guarded: bool) -> Document:
    refused = {"application/problem+json": {"schema": _ref("ProblemDetails")}}
    statuses = ["401", "403", "413", "503"] if guarded else ["405", "503"]
    return {
        "operationId": path.strip("/").replace("/", "."),
        "tags": [tag],
        "summary": summary,
        "security": [{"sidecarToken": []}] if guarded else [],
        "responses": {"200": {"description": "Done", "content": given}}
        | {status: {"description": MEANING[status], "content": refused} for status in statuses},
    }


OUTCOMES = ("applied", "waiting", "poison")
"""What became of the dead letters that were tried again, where a service counts it."""
MEANING = {
    "401": "Not the own sidecar: dapr-api-token is missing or wrong",
    "403": "Not a delivery of this app's own subscriptions and bindings",
    "405": "Another method",
    "413": "More than a full batch of the largest events",
    "503": "Unavailable: nothing was done, the sidecar brings it again",
}


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _delivery_schemas() -> Document:
    loaded = [json.loads(file.read_text()) for file in sorted(DELIVERY.glob("*.schema.json"))]
    return {each["title"]: {name: value for name, value in each.items() if not name.startswith("$")} for each in loaded}


def _used(paths: Document, schemas: Document) -> Iterator[tuple[str, Document]]:
    """The schemas that paths refer to, and those that these refer to."""
    waiting, seen = set(_names(paths)), set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= set(_names(schemas[name])) - seen
    yield from ((name, schemas[name]) for name in sorted(seen))


def _names(content: Any) -> Iterator[str]:
    return (name for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(content)))
