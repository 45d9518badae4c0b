"""A sidecar of a test's own at the system's Kafka: no service, so it comes as the user who may do everything."""

from typing import Any

from stack.kafka_admin import ADMIN, Broker


def as_admin(pubsub: dict[str, Any], broker: Broker) -> None:
    """Changes the component of components/pubsub.yaml."""
    told = {
        "brokers": broker.address,
        "authType": "password",
        "saslMechanism": "PLAINTEXT",
        "saslUsername": ADMIN,
        "saslPassword": broker.password,
    }
    kept = [each for each in pubsub["spec"]["metadata"] if each["name"] not in told]
    pubsub["spec"]["metadata"] = [*({"name": name, "value": value} for name, value in told.items()), *kept]
