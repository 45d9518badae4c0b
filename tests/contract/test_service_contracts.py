"""contracts/services says what components/, dapr/ and the services' code do: a stranger builds a service by it."""

import json
import tomllib
from copy import deepcopy

import pytest
import yaml
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator

from notification.wechat.errcodes import ERRCODES
from servicekit import callers, deliveries
from servicekit.deadletters import BACKOFF
from servicekit.events import DROP, LARGEST_BATCH, LARGEST_EVENT_BYTES, RETRY, SUCCESS
from servicekit.middleware import SIDECAR_ONLY
from servicekit.settings import ServiceSettings
from stack.layout import DATABASES
from tests.contract.documents import apps
from tests.contract.service_contracts import (
    COMMON,
    FOLDER,
    REPO,
    common_metrics,
    differences,
    document,
    found,
    metrics,
    of_app,
    written,
)
from tests.support.services import APPS, modules

SCHEMA = json.loads((REPO / "contracts/services.schema.json").read_text())
WITH_PATHS = apps()
INNER = ("/internal/", "/jobs/", "/events/")


def test_every_service_has_a_contract_and_no_other_has():
    Draft202012Validator.check_schema(SCHEMA)
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {*APPS, "common"}


@pytest.mark.parametrize("name", [*APPS, "common"])
def test_a_contract_has_the_shape_that_the_schema_says(name):
    kind = "common" if name == "common" else "service"
    validator = Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{kind}"}]})
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())

    assert [error.message for top in validator.iter_errors(content) for error in top.context or [top]] == []
    assert "TODO" not in (FOLDER / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", APPS)
def test_a_contract_says_what_the_service_does(name):
    told = document(name)

    assert list(differences(written(told), found(name, told))) == []


@pytest.mark.parametrize("name", WITH_PATHS)
def test_a_contract_names_every_path_that_only_the_sidecar_reaches(name):
    told, app = document(name), WITH_PATHS[name]
    named = {each["route"] for each in told["subscriptions"]} | {
        each["deadLetterRoute"] for each in told["subscriptions"]
    }
    named |= {each["route"] for each in told["jobs"]}
    methods = [each for methods in told["callers"].values() for each in methods] + told.get("closed", [])
    named |= {each.partition(" ")[2] for each in methods if each != "public"}
    routed = {route.path for route in iter_route_contexts(app.routes)}

    assert {path for path in routed if path.startswith(INNER)} == named
    assert {each["path"] for each in COMMON["health"].values()} <= routed
    assert "/dapr/subscribe" in routed if told["subscriptions"] else "/dapr/subscribe" not in routed


def test_the_common_contract_says_what_servicekit_does():
    tokens, told = COMMON["tokens"], COMMON["deliveries"]

    assert tuple(tokens["fromSidecar"]["guards"]) == SIDECAR_ONLY
    assert tuple(tokens["delivery"]["guards"]) == deliveries.DELIVERIES
    assert tokens["delivery"]["prefix"] == f"{deliveries.DELIVERED}{{DELIVERY_TOKEN}}"
    assert all(header in tokens["delivery"]["rule"] for header in deliveries.OF_CALLS)
    assert tokens["caller"]["header"] == callers.CALLER
    assert set(told["statuses"]) == {SUCCESS, RETRY, DROP}
    assert f"At most {LARGEST_BATCH} entries, an event of at most {LARGEST_EVENT_BYTES // 1024} KiB" in told["bulk"]
    first, longest = BACKOFF.first.seconds, BACKOFF.longest.seconds // 60
    assert f"again after {first} s, doubled up to {longest} minutes" in told["deadLetters"]
    assert list(differences(metrics(COMMON), common_metrics())) == []


def test_the_common_variables_are_those_of_every_service():
    fields = ServiceSettings.model_fields.items()
    named = {field.validation_alias or f"{{APP}}_{name.upper()}": field.is_required() for name, field in fields}
    told = {each["name"]: each["required"] for each in COMMON["environment"]}

    assert told.pop("OTEL_EXPORTER_OTLP_ENDPOINT") is False  # read by the SDK
    assert told | dict.fromkeys(COMMON["ownLimits"], False) == named


@pytest.mark.parametrize("name", APPS)
def test_the_defaults_that_a_contract_names_are_the_services_own(name, monkeypatch):
    """A service that is told its defaults is the one that is told none."""
    settings = modules("settings")[name].Settings
    for variable in ("APP_API_TOKEN", *(each["name"] for each in document(name)["environment"] if each["required"])):
        monkeypatch.setenv(variable, _sample(variable))
    if name in DATABASES:
        monkeypatch.setenv(f"{name.upper()}_DATABASE_URL", "postgresql://someone@127.0.0.1:1/none")
    silent = settings()
    for each in (*COMMON["environment"], *document(name)["environment"]):
        assert each["required"] != ("default" in each), each["name"]
        if each.get("default", "") != "":
            monkeypatch.setenv(of_app(name, each["name"]), str(each["default"]))

    assert settings() == silent


def _sample(variable: str) -> str:
    if variable.endswith("_URL"):
        return "https://minsu.example/x"
    return "7" * 40 if variable.endswith("SERIAL") else "sample-of-sixteen"


def test_the_messages_of_notification_are_those_that_it_sends():
    told = document("notification")
    texts = tomllib.loads((REPO / "apps/notification/src/notification/messages.toml").read_text())

    assert {int(code): fault for code, fault in told["wechatCodes"].items()} == {
        code: meaning.fault.value for code, meaning in ERRCODES.items()
    }
    fields = " ".join(each.get("fields", "") for each in told["messages"].values())
    sent = {
        slug: each["zh"] for slug, each in texts.items() if slug.startswith("message-") and slug != "message-untitled"
    }
    assert {slug for slug, text in sent.items() if text not in fields} == set()


BROKEN = {
    "components: pubsub is missing": lambda told: told["components"].remove("pubsub"),
    "secrets: wxma-secret is missing": lambda told: told["secrets"]["keys"].pop("wxma-secret"),
    "subscriptions.order-update-refund-topic: missing": lambda told: told["subscriptions"].pop(1),
    "subscriptions.order-update-tradestate-topic.route: '/events/x' is written, it is '/events/order-state'": (
        lambda told: told["subscriptions"][0].update(route="/events/x")
    ),
    "subscriptions.order-update-tradestate-topic.key: 'paymentSn' is written, it is 'orderSn'": (
        lambda told: told["subscriptions"][0].update(key="paymentSn")
    ),
    "subscriptions.order-update-tradestate-topic.bulk.maxMessagesCount: 100 is written, it is 200": (
        lambda told: told["subscriptions"][0]["bulk"].update(maxMessagesCount=100)
    ),
    "jobs.notification-due.schedule: '@every 9s' is written, it is '@every 5s'": (
        lambda told: told["jobs"][0].update(schedule="@every 9s")
    ),
    "callers.payment: written, but there is none": lambda told: told["callers"].update(payment=["public"]),
    "peers.order: POST /internal/orders is missing": lambda told: told["peers"]["order"].remove(
        "POST /internal/orders"
    ),
    "environment.NOTIFICATION_PAGE: missing": (
        lambda told: told.update(environment=[e for e in told["environment"] if e["name"] != "NOTIFICATION_PAGE"])
    ),
    "environment.NOTIFICATION_COLOUR: written, but there is none": (
        lambda told: told["environment"].append({"name": "NOTIFICATION_COLOUR", "required": False})
    ),
    "metrics.dead_letters: ['gauge', ['topic']] is written, it is ['gauge', ['topic', 'state']]": (
        lambda told: next(e for e in told["metrics"] if e["name"] == "dead_letters").update(labels=["topic"])
    ),
}


@pytest.mark.parametrize(("said", "breaks"), BROKEN.items(), ids=[each.partition(":")[0] for each in BROKEN])
def test_a_contract_that_is_wrong_is_named_with_its_place(said, breaks):
    told = deepcopy(document("notification"))
    breaks(told)

    assert said in list(differences(written(told), found("notification", told)))
