"""Compose, the cluster and the laptop run the same thing; a difference in any one is named."""

import copy

import pytest

from tests.deploy.one_list import Compose, Laptop, drift


@pytest.fixture
def laptop():
    return Laptop.read()


@pytest.fixture
def compose():
    return Compose.read()


@pytest.fixture
def clusters(manifests):
    return copy.deepcopy(manifests)


def test_all_three_ways_tell_one_list(laptop, compose, clusters):
    assert drift(laptop, compose, clusters) == []


def move_a_port_in_dapr_yaml(laptop, compose, clusters):
    laptop.apps["order"]["appPort"] = 8013


def add_an_app_to_dapr_yaml(laptop, compose, clusters):
    laptop.run_file["apps"].append(laptop.apps["order"] | {"appID": "review"})


def scope_a_component_otherwise_on_the_laptop(laptop, compose, clusters):
    laptop.components["secrets"].remove("payment")


def add_a_topic_to_the_contract(laptop, compose, clusters):
    laptop.topics.add("order-closed-topic")


def raise_the_release(laptop, compose, clusters):
    laptop.pins["MINSU_VERSION"] = "0.2.0"


def raise_daprd_by_a_patch(laptop, compose, clusters):
    laptop.pins["DAPR_VERSION"] += "1"


def raise_daprd_by_a_minor_version(laptop, compose, clusters):
    laptop.pins["DAPR_VERSION"] = "1.19.0"


def take_another_daprd_in_compose(laptop, compose, clusters):
    compose.sidecars()["travel"]["build"]["args"]["DAPR_VERSION"] += "1"


def raise_kafka(laptop, compose, clusters):
    laptop.pins["KAFKA_VERSION"] = "4.4.0"


def move_a_sidecar_in_compose(laptop, compose, clusters):
    compose.sidecars()["payment"]["command"][1] = "--dapr-http-port=3999"


def give_a_sidecar_another_network(laptop, compose, clusters):
    compose.sidecars()["payment"]["network_mode"] = "service:order"


def lose_a_sidecar_in_compose(laptop, compose, clusters):
    del compose.content["services"]["travel-daprd"]


def take_another_image_in_compose(laptop, compose, clusters):
    compose.content["services"]["order"]["image"] = "minsu/order:latest"


def forget_a_resource_folder_in_compose(laptop, compose, clusters):
    compose.script = compose.script.replace("  --resources-path=/dapr/resiliency \\\n", "")


def change_the_health_check_in_compose(laptop, compose, clusters):
    compose.script = compose.script.replace("--app-health-threshold=4", "--app-health-threshold=1")


def rename_an_app_in_the_cluster(laptop, compose, clusters):
    clusters["production"].services()["order"]["metadata"]["annotations"]["dapr.io/app-id"] = "orders"


def move_a_port_in_the_cluster(laptop, compose, clusters):
    clusters["dev"].services()["gateway"]["metadata"]["annotations"]["dapr.io/app-port"] = "80"


def lose_a_component_in_the_cluster(laptop, compose, clusters):
    documents = clusters["production-external"]
    documents.all.remove(documents.one("Component", "payment-query-open"))


def lose_a_topic_in_the_cluster(laptop, compose, clusters):
    documents = clusters["production"]
    documents.all.remove(documents.one("KafkaTopic", "order-refund-requested-topic"))


def allow_one_more_api_in_the_cluster(laptop, compose, clusters):
    spec = clusters["production"].one("Configuration", "order")["spec"]
    spec["api"]["allowed"].append({"name": "shutdown", "version": "v1.0", "protocol": "http"})


DRIFTS = {
    move_a_port_in_dapr_yaml: "order --app-port",
    add_an_app_to_dapr_yaml: "production: app-ids",
    scope_a_component_otherwise_on_the_laptop: "dev: components",
    add_a_topic_to_the_contract: "production: KafkaTopics",
    raise_the_release: "production-external: migrations",
    raise_daprd_by_a_patch: "production: order sidecar-image",
    raise_daprd_by_a_minor_version: "compose: the Dockerfile's DAPR_VERSION",
    take_another_daprd_in_compose: "compose: travel-daprd daprd",
    raise_kafka: "production: Kafka",
    move_a_sidecar_in_compose: "payment --dapr-http-port",
    give_a_sidecar_another_network: "payment network",
    lose_a_sidecar_in_compose: "compose: sidecars",
    take_another_image_in_compose: "order image",
    forget_a_resource_folder_in_compose: "order resources",
    change_the_health_check_in_compose: "order --app-health-threshold",
    rename_an_app_in_the_cluster: "production: app-ids",
    move_a_port_in_the_cluster: "dev: gateway app-port",
    lose_a_component_in_the_cluster: "production-external: components",
    lose_a_topic_in_the_cluster: "production: KafkaTopics",
    allow_one_more_api_in_the_cluster: "production: order API list",
}


@pytest.mark.parametrize("change", DRIFTS, ids=lambda change: change.__name__)
def test_a_drift_in_any_one_is_named(laptop, compose, clusters, change):
    change(laptop, compose, clusters)
    assert any(DRIFTS[change] in problem for problem in drift(laptop, compose, clusters)), drift(
        laptop, compose, clusters
    )
