"""All replicas that may run at once find a connection to the database: none waits for another service's."""

from importlib import import_module

from stack.layout import DATABASES
from tests.deploy.manifests import settings_of

RESERVED = 3
"""PostgreSQL's `superuser_reserved_connections`."""
RELAYS = {"order", "payment"}
"""Each replica holds one connection beside its pool: it leads the relay, or waits to."""


def most_replicas(documents):
    """app-id → most replicas, by its autoscaler."""
    bounds = {"HorizontalPodAutoscaler": "maxReplicas", "ScaledObject": "maxReplicaCount"}
    specs = [(each["spec"], bounds[each["kind"]]) for each in documents.of(*bounds)]
    return {spec["scaleTargetRef"]["name"]: spec[bound] for spec, bound in specs}


def pool_size(documents, service):
    default = import_module(f"{service}.settings").Settings.model_fields["database_pool_size"].default
    return int(settings_of(documents, service).get(f"{service.upper()}_DATABASE_POOL_SIZE", default))


def test_the_database_has_a_connection_for_every_replica(manifests):
    documents = manifests["production"]
    most = most_replicas(documents)
    wanted = sum(most[each] * (pool_size(documents, each) + (each in RELAYS)) for each in DATABASES)
    parameters = documents.one("Cluster", "minsu-postgres")["spec"]["postgresql"]["parameters"]
    assert wanted == 582
    assert wanted <= int(parameters["max_connections"]) - RESERVED
