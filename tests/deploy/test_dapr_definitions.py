"""Dapr's own definitions hold our files: what Dapr does not know is refused by its name."""

from typing import Any

import pytest
import yaml

from stack import layout
from tests.deploy import dapr_definitions

SCHEMAS = dapr_definitions.definitions(layout.REPO / dapr_definitions.DEFINITIONS)


def resource(file: str) -> dict[str, Any]:
    content = yaml.safe_load((layout.REPO / file).read_text())
    assert isinstance(content, dict)
    return content


def said(document: Any) -> list[str]:
    return list(dapr_definitions.problems(document, SCHEMAS))


def test_every_committed_file_is_what_dapr_says_it_should_be() -> None:
    assert dapr_definitions.everything(layout.REPO) > 15


def test_a_misspelt_field_is_refused_by_name() -> None:
    component = resource("components/pubsub.yaml")
    component["spec"]["metadata"][0]["envref"] = "KAFKA_BROKERS"
    assert said(component) == ["spec.metadata.0: Additional properties are not allowed ('envref' was unexpected)"]


def test_a_misspelt_field_deep_in_a_map_is_refused_by_name() -> None:
    policy = resource("dapr/resiliency/services.yaml")
    policy["spec"]["policies"]["retries"]["peer"]["maxRetrys"] = 2
    assert said(policy) == [
        "spec.policies.retries.peer: Additional properties are not allowed ('maxRetrys' was unexpected)"
    ]


def test_a_missing_field_and_a_wrong_type_are_refused() -> None:
    subscription = resource("dapr/subscriptions/order-payment-status.yaml")
    del subscription["spec"]["pubsubname"]
    subscription["spec"]["bulkSubscribe"]["enabled"] = "yes"
    assert sorted(said(subscription)) == [
        "spec.bulkSubscribe.enabled: 'yes' is not of type 'boolean'",
        "spec: 'pubsubname' is a required property",
    ]


def test_an_unknown_kind_and_a_resource_without_scopes_are_refused() -> None:
    assert said({"apiVersion": "dapr.io/v1alpha1", "kind": "Componant"}) == [
        "Dapr knows no kind 'Componant' in 'dapr.io/v1alpha1'"
    ]
    component = resource("components/secrets.yaml")
    del component["scopes"]
    assert said(component) == ["no scopes: every app would get it"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"daprHttpPort": 3500}, "apps.0.daprHttpPort is no field of the Dapr CLI"),
        ({"appPort": "8000"}, "apps.0.appPort is a str, not a int"),
        ({"appDirPath": None}, "apps.0.appDirPath is missing"),
    ],
)
def test_a_wrong_field_of_the_run_file_is_refused_where_the_cli_would_pass_over_it(
    change: dict[str, Any], wanted: str
) -> None:
    content = resource("dapr/dapr.yaml")
    content["apps"][0] |= change
    assert wanted in list(dapr_definitions.run_file_problems(content))


def test_an_env_for_all_needs_an_env_in_each_app() -> None:
    content = resource("dapr/dapr.yaml")
    content["common"]["env"] = {"A": "b"}
    assert len([one for one in dapr_definitions.run_file_problems(content) if "the CLI panics" in one]) == len(
        content["apps"]
    )
