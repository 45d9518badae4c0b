"""What a service needs beside its code, in files that list services one by one: none may be left out."""

import subprocess
from collections import defaultdict

import pytest
import yaml
from fastapi.routing import iter_route_contexts

from stack import kafka_admin
from stack.databases import owner_of, role_of
from stack.layout import DATABASES
from tests.contract.documents import apps
from tests.deploy import kafka_users
from tests.deploy.manifests import REPO
from tests.support.services import APPS, SERVICES, WITH_API, modules

RIGHTS = kafka_admin.rights(REPO / "contracts/asyncapi.yaml")
SUBSCRIPTIONS = [yaml.safe_load(file.read_text()) for file in (REPO / "dapr/subscriptions").glob("*.yaml")]


def resource(path):
    return yaml.safe_load((REPO / path).read_text())


def scopes(name):
    """app → topics, of one of pubsub's two lists."""
    given = {each["name"]: each.get("value") for each in resource("components/pubsub.yaml")["spec"]["metadata"]}[name]
    return {app: set(topics.split(",")) for app, _, topics in (each.partition("=") for each in given.split(";"))}


def test_pubsub_lets_each_app_publish_and_read_what_the_contract_says():
    assert scopes("publishingScopes") == {app: its.publishes for app, its in RIGHTS.items() if its.publishes}
    assert scopes("subscriptionScopes") == {app: its.reads for app, its in RIGHTS.items() if its.reads}
    assert set(resource("components/pubsub.yaml")["scopes"]) == RIGHTS.keys()


def test_the_contract_names_every_subscription():
    subscribed = defaultdict(set)
    for each in SUBSCRIPTIONS:
        [app] = each["scopes"]
        subscribed[app].add(each["spec"]["topic"])

    assert subscribed == {app: its.reads for app, its in RIGHTS.items() if its.reads}


def test_every_app_is_a_target_of_both_resiliency_policies():
    """An app without a target has Dapr's hidden retries."""
    gateway, services = resource("dapr/resiliency/gateway.yaml"), resource("dapr/resiliency/services.yaml")

    assert set(gateway["spec"]["targets"]["apps"]) == set(WITH_API)
    assert set(services["spec"]["targets"]["apps"]) == set(SERVICES)
    assert set(services["scopes"]) == set(WITH_API)


def test_every_job_has_its_cron_binding_and_every_binding_its_job():
    components = [yaml.safe_load(file.read_text()) for file in (REPO / "components").glob("*.yaml")]
    bound = set()
    for each in components:
        if each["spec"]["type"] == "bindings.cron":
            given = {field["name"]: field["value"] for field in each["spec"]["metadata"]}
            [app] = each["scopes"]
            assert given["route"] == f"/jobs/{each['metadata']['name']}"
            bound.add((app, given["route"]))
    routed = {
        (name, route.path)
        for name, app in apps().items()
        for route in iter_route_contexts(app.routes)
        if route.path.startswith("/jobs/")
    }

    assert routed == bound
    noted = {(name, f"/jobs/{job}") for name, app in apps().items() for job in app.state.system.jobs}
    assert noted == bound, "a router of jobs is made without route_class=JobRoute: its ticks are not noted"


def test_every_consumer_applies_its_dead_letters_again():
    consumers = {app for each in SUBSCRIPTIONS for app in each["scopes"]}

    assert all((REPO / f"components/{app}-reapply-dead-letters.yaml").exists() for app in consumers)


def test_secrets_are_made_for_every_service():
    made = subprocess.run(
        [REPO / "deploy/k8s/make-secrets", "minsu"], capture_output=True, text=True, check=True
    ).stdout
    names = {one["metadata"]["name"] for one in yaml.safe_load_all(made) if one}
    tokens = {f"{name}-{which}-token" for name in SERVICES for which in ("app", "dapr")}

    databases = {f"{name}-database{whose}" for name in DATABASES for whose in ("", "-service")}
    assert names == {"photos", "sms-token"} | tokens | databases


def test_the_cluster_has_a_database_an_owner_and_a_role_for_every_service(manifests):
    documents = manifests["production"]
    [cluster] = documents.of("Cluster")
    roles = {each["name"]: each["passwordSecret"]["name"] for each in cluster["spec"]["managed"]["roles"]}

    owners = {owner_of(name): f"{name}-database" for name in DATABASES}
    assert roles == owners | {role_of(name): f"{name}-database-service" for name in DATABASES}
    assert {(each["metadata"]["name"], each["spec"]["owner"]) for each in documents.of("Database")} == {
        (name, owner_of(name)) for name in DATABASES
    }


@pytest.mark.parametrize("name", DATABASES)
def test_a_pod_of_a_service_holds_the_password_of_its_role_and_its_migration_that_of_the_owner(manifests, name):
    for documents in manifests.values():
        held = {}
        for workload, labels, pod in documents.workloads():
            variables = {each["name"]: each.get("valueFrom", {}) for each in pod["containers"][0].get("env", [])}
            if labels["labels"]["app.kubernetes.io/name"].removesuffix("-migrate") == name:
                held[workload.partition("/")[0]] = {
                    variable: (source["secretKeyRef"]["name"], source["secretKeyRef"]["key"])
                    for variable, source in variables.items()
                    if "DATABASE" in variable
                }
        prefix = name.upper()
        assert held == {
            "Deployment": {f"{prefix}_DATABASE_URL": (f"{name}-database-service", "url")},
            "Job": {
                f"{prefix}_OWNER_DATABASE_URL": (f"{name}-database", "url"),
                f"{prefix}_DATABASE_ROLE": (f"{name}-database-service", "username"),
            },
        }


def selected(policy):
    [expression] = policy["matchExpressions"]
    assert (expression["key"], expression["operator"]) == ("app.kubernetes.io/name", "In")
    return set(expression["values"])


def test_the_cluster_lets_the_apps_of_pubsub_reach_kafka_and_no_others(manifests):
    documents, apps_of_pubsub = manifests["production"], set(resource("components/pubsub.yaml")["scopes"])
    [listener] = documents.one("Kafka", "minsu")["spec"]["kafka"]["listeners"]
    [peers] = [each["podSelector"] for each in listener["networkPolicyPeers"] if "podSelector" in each]

    assert selected(documents.one("NetworkPolicy", "to-kafka")["spec"]["podSelector"]) == apps_of_pubsub
    assert selected(peers) == apps_of_pubsub


def test_the_clusters_users_of_kafka_may_do_what_the_contract_says(manifests):
    assert kafka_users.PLACE.read_text() == kafka_users.text(), "make contracts"
    for overlay in ("production", "dev"):
        made = manifests[overlay].of("KafkaUser")
        assert {one["metadata"]["name"]: one["spec"] for one in made} == {
            one["metadata"]["name"]: one["spec"] for one in kafka_users.documents()
        }


def test_only_order_may_ask_payment_for_a_refund():
    assert [app for app, its in RIGHTS.items() if "order-refund-requested-topic" in its.publishes] == ["order"]
    assert [app for app, its in RIGHTS.items() if "payment-update-paystatus-topic" in its.publishes] == ["payment"]


def test_a_sidecar_is_a_user_of_kafka_by_its_own_name_and_holds_no_other_password(manifests):
    for documents in manifests.values():
        pubsub = {each["name"]: each for each in documents.one("Component", "pubsub")["spec"]["metadata"]}
        assert pubsub["saslUsername"]["value"] == "{appID}"
        assert pubsub["saslPassword"] == {"name": "saslPassword", "envRef": "KAFKA_PASSWORD"}
        assert (pubsub["authType"]["value"], pubsub["disableTls"]["value"]) == ("password", "false")
        held = {
            app: template["metadata"]["annotations"].get("dapr.io/env-from-secret")
            for app, template in documents.services().items()
        }
        assert held == {app: f"KAFKA_PASSWORD={app}:password" if app in RIGHTS else None for app in SERVICES}


def test_the_cluster_lets_the_apps_with_settings_of_wechat_reach_it_and_no_others(manifests):
    speaking = {
        name
        for name, each in modules("settings").items()
        if any(field.startswith(("wxma_", "wxpay_")) for field in each.Settings.model_fields)
    }
    production, dev = manifests["production"], manifests["dev"]
    [rule] = dev.one("NetworkPolicy", "wechatsim")["spec"]["ingress"]
    [caller] = rule["from"]

    assert selected(production.one("NetworkPolicy", "wechat")["spec"]["podSelector"]) == speaking
    assert selected(dev.one("NetworkPolicy", "to-wechatsim")["spec"]["podSelector"]) == speaking
    assert selected(caller["podSelector"]) == speaking


def test_foreign_calendars_are_fetched_by_travel_alone_and_from_public_addresses_alone(manifests):
    for overlay in ("production", "dev"):
        policy = manifests[overlay].one("NetworkPolicy", "calendars")["spec"]
        assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "travel"}}
        assert policy["policyTypes"] == ["Egress"]
        [rule] = policy["egress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": 443}]
        [where] = rule["to"]
        assert where["ipBlock"]["cidr"] == "0.0.0.0/0"
        networks = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
        assert where["ipBlock"]["except"] == networks


@pytest.mark.parametrize("name", APPS)
def test_a_service_has_a_readme_a_lock_tests_and_its_line_of_ports(name):
    entry = next(each for each in resource("dapr/dapr.yaml")["apps"] if each["appID"] == name)
    fields = ("appPort", "daprHTTPPort", "daprGRPCPort", "daprInternalGRPCPort", "metricsPort")
    label = "gateway (storefront, API)" if name == "gateway" else name
    row = f"| {label} | {' | '.join(str(entry[field]) for field in fields)} |"

    assert row in (REPO / "README.md").read_text()
    assert (REPO / f"apps/{name}/README.md").exists()
    assert (REPO / f"requirements/{name}.lock").exists()
    assert list((REPO / f"tests/service/{name}").glob("test_*.py"))
