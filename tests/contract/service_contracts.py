"""contracts/services/*.yaml beside what they describe: components/, dapr/, contracts/asyncapi.yaml and the services' code.

`written(document)` and `found(app_id)` bring both into one shape, `differences` names each place where they differ.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from tests.support.services import SOURCES

REPO = Path(__file__).resolve().parents[2]
FOLDER = REPO / "contracts" / "services"
COMMON = yaml.safe_load((FOLDER / "common.yaml").read_text())
ASYNCAPI = yaml.safe_load((REPO / "contracts" / "asyncapi.yaml").read_text())
Facts = dict[str, Any]
KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}
ALERTS = "\n".join((REPO / "deploy/observability" / name).read_text() for name in ("alerts.yaml", "slo.yaml"))


def document(app_id: str) -> Facts:
    content: Facts = yaml.safe_load((FOLDER / f"{app_id}.yaml").read_text())
    return content


def written(told: Facts) -> Facts:
    """The members of a contract that something else decides, lists by their names."""
    return {
        "appId": told["appId"],
        "components": sorted(told["components"]),
        "secrets": sorted(told.get("secrets", {}).get("keys", {})),
        "subscriptions": {
            each["topic"]: {name: value for name, value in each.items() if name not in {"topic", "does"}}
            for each in told["subscriptions"]
        },
        "publishes": {each["topic"]: {"key": each["key"], "messages": each["messages"]} for each in told["publishes"]},
        "jobs": {each["name"]: {"route": each["route"], "schedule": each["schedule"]} for each in told["jobs"]},
        "callers": {app: sorted(methods) for app, methods in told["callers"].items()},
        "closed": sorted(told.get("closed", [])),
        "peers": {app: sorted(methods) for app, methods in told["peers"].items()},
        "tables": sorted(told.get("tables", [])),
        "environment": {each["name"]: each["required"] for each in told["environment"]},
        "ownLimits": sorted(told.get("ownLimits", [])),
        "metrics": metrics(told),
    }


def metrics(told: Facts) -> Facts:
    return {each["name"]: [each["type"], each.get("labels", [])] for each in told["metrics"]}


def found(app_id: str, told: Facts) -> Facts:
    """The same from what decides it. `told` is asked only which settings it calls the service's own limits."""
    resources = [yaml.safe_load(file.read_text()) for file in sorted((REPO / "components").glob("*.yaml"))]
    subscriptions = [yaml.safe_load(file.read_text()) for file in sorted((REPO / "dapr/subscriptions").glob("*.yaml"))]
    mine = [each["spec"] for each in subscriptions if each["scopes"] == [app_id]]
    letters = {spec["topic"]: spec["routes"]["default"] for spec in mine if spec["topic"].endswith(".dlq")}
    callers = _policies()[app_id]
    settings = _settings(app_id)
    own_limits = set(told.get("ownLimits", [])) & settings.keys()
    return {
        "appId": app_id,
        "components": sorted(each["metadata"]["name"] for each in resources if app_id in each["scopes"]),
        "secrets": sorted(_secrets(app_id)),
        "subscriptions": {
            spec["topic"]: {
                "route": spec["routes"]["default"],
                "bulk": {name: value for name, value in spec["bulkSubscribe"].items() if name != "enabled"},
                "consumerGroup": app_id,
                "key": _channel(spec["topic"])["x-key"],
                "deadLetterTopic": spec["deadLetterTopic"],
                "deadLetterRoute": letters[spec["deadLetterTopic"]],
                "messages": _messages(spec["topic"]),
            }
            for spec in mine
            if "deadLetterTopic" in spec
        },
        "publishes": dict(_sent(app_id)),
        "jobs": dict(_jobs(app_id, resources)),
        "callers": callers,
        "closed": sorted(_closed(app_id)),
        "peers": {callee: callers[app_id] for callee, callers in _policies().items() if app_id in callers},
        "tables": sorted(_tables(app_id)),
        "environment": {name: required for name, required in settings.items() if name not in own_limits},
        "ownLimits": sorted(own_limits),
        "metrics": _metrics(app_id, told),
    }


def differences(written: Any, found: Any, place: str = "") -> Iterator[str]:
    """Each place where the two differ, with both values."""
    if isinstance(written, dict) and isinstance(found, dict):
        for name in sorted(written.keys() | found.keys()):
            at = f"{place}.{name}" if place else name
            if name not in found:
                yield f"{at}: written, but there is none"
            elif name not in written:
                yield f"{at}: missing"
            else:
                yield from differences(written[name], found[name], at)
    elif isinstance(written, list) and isinstance(found, list) and not place.startswith("metrics."):
        yield from (f"{place}: {value} is written, but there is none" for value in written if value not in found)
        yield from (f"{place}: {value} is missing" for value in found if value not in written)
    elif written != found:
        yield f"{place}: {written!r} is written, it is {found!r}"


@cache
def _policies() -> dict[str, dict[str, list[str]]]:
    """callee → caller → methods; `public` for all paths outside /internal."""
    return {
        file.stem: {
            policy["appId"]: sorted(
                {
                    f"{verb} {each['name']}" if each["name"].startswith("/internal/") else "public"
                    for each in policy["operations"]
                    for verb in each["httpVerb"]
                }
            )
            for policy in yaml.safe_load(file.read_text())["spec"]["accessControl"]["policies"]
        }
        for file in (REPO / "dapr" / "access").glob("*.yaml")
    }


def _closed(app_id: str) -> Iterator[str]:
    if find_spec(f"{app_id}.endpoints.internal"):
        for method, apps in import_module(f"{app_id}.endpoints.internal").CALLERS.items():
            if not apps:
                yield f"POST /internal/{method}"


def _channel(topic: str) -> Facts:
    channel: Facts = next(each for each in ASYNCAPI["channels"].values() if each["address"] == topic)
    return channel


def _messages(topic: str) -> list[str]:
    return _named(_channel(topic)["messages"])


def _named(messages: Iterable[str]) -> list[str]:
    return [ASYNCAPI["components"]["messages"][name]["name"] for name in messages]


def _sent(app_id: str) -> Iterator[tuple[str, Facts]]:
    """What it publishes: all messages of the channel, unless the operation names some of them."""
    for name, operation in ASYNCAPI["operations"].items():
        if name.startswith(f"{app_id}.") and operation["action"] == "send":
            channel = ASYNCAPI["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
            some = [each["$ref"].rpartition("/")[2] for each in operation.get("messages", [])]
            yield channel["address"], {"key": channel["x-key"], "messages": _named(some or channel["messages"])}


def _jobs(app_id: str, resources: list[Facts]) -> Iterator[tuple[str, dict[str, str]]]:
    for each in resources:
        if each["spec"]["type"] == "bindings.cron" and each["scopes"] == [app_id]:
            given = {field["name"]: field["value"] for field in each["spec"]["metadata"]}
            yield each["metadata"]["name"], {"route": given["route"], "schedule": given["schedule"]}


def _settings(app_id: str) -> dict[str, bool]:
    """Variable → whether the service cannot start without it; without those of common.yaml."""
    settings = import_module(f"{app_id}.settings").Settings
    prefix = settings.model_config["env_prefix"]
    fields = settings.model_fields.items()
    named = {(field.validation_alias or f"{prefix}{name}").upper(): field.is_required() for name, field in fields}
    shared = {each["name"] for each in COMMON["environment"]} | set(COMMON["ownLimits"])
    return {name: needed for name, needed in named.items() if name not in {of_app(app_id, each) for each in shared}}


def of_app(app_id: str, variable: str) -> str:
    return variable.replace("{APP}", app_id.upper())


def _tables(app_id: str) -> Iterator[str]:
    for file in SOURCES[app_id].rglob("models.py"):
        yield from re.findall(r'__tablename__ = "([a-z_]+)"', file.read_text())


def _secrets(app_id: str) -> set[str]:
    """What the service reads of its secret store, as its code spells it."""
    text = "\n".join(file.read_text() for file in SOURCES[app_id].rglob("*.py"))
    return set(re.findall(r'"((?:jwt|totp|wxma|wxpay)-[a-z0-9-]*(?:key|secret))"', text))


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


@cache
def _defined(package: str) -> dict[str, tuple[str, list[str], str]]:
    """Metric → type, labels, module, as the code of a package makes it."""
    folder = SOURCES.get(package) or REPO / "libs" / package / "src" / package
    made = {}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            kind = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and kind in KINDS:
                match [*map(_literal, node.args), *map(_literal, (each.value for each in node.keywords))]:
                    case [str(name), str(_), *rest]:
                        labels = next((each for each in rest if isinstance(each, list)), [])
                        made[name] = (KINDS[kind], labels, file.stem)
    return made


def _metrics(app_id: str, told: Facts) -> Facts:
    """Those that an alert or an objective reads and this service has."""
    has = {
        "relay": bool(told["publishes"]),
        "events": bool(told["subscriptions"]),
        "deadletters": bool(told["subscriptions"]),
        "health": bool(told["subscriptions"]),
        "rotation": "secrets" in told,
        "audit": bool(told.get("tables")),
        "unfinished": bool(told.get("tables")),
    }
    common = {each["name"] for each in COMMON["metrics"]}
    made = _defined(app_id) | {
        name: each for name, each in _defined("servicekit").items() if name not in common and has.get(each[2], False)
    }
    return {name: [kind, labels] for name, (kind, labels, _) in made.items() if is_watched(name)}


def common_metrics() -> Facts:
    """Metrics of servicekit that are watched and not some services' alone, as `written` has them."""
    alone = {"relay", "events", "deadletters", "rotation", "audit", "unfinished"}
    made = _defined("servicekit").items()
    return {
        name: [kind, labels]
        for name, (kind, labels, module) in made
        if is_watched(name) and module not in alone and name != "subscription_missing"
    }


def is_watched(name: str) -> bool:
    return bool(re.search(rf"\b{name}(_bucket|_count|_sum)?\b", ALERTS))
