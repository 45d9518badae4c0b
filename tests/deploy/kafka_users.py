"""The users of contracts/asyncapi.yaml as Strimzi takes them, and KEDA's, who sees the lag. Written by `make contracts`."""

from collections.abc import Iterator

import yaml

from stack import kafka_admin
from stack.kafka_admin import Rights
from tests.deploy.manifests import K8S, REPO, Document

PLACE = K8S / "components" / "strimzi" / "users.yaml"
HEAD = "# Made of contracts/asyncapi.yaml by `make contracts`. Edits are lost. A user's name is its sidecar's app-id.\n"
AUTOSCALER = "keda"


def documents() -> list[Document]:
    wanted = kafka_admin.rights(REPO / "contracts" / "asyncapi.yaml")
    users = [_user(name, list(_service(name, wanted[name]))) for name in sorted(wanted)]
    return [*users, _user(AUTOSCALER, list(_autoscaler(wanted)))]


def _service(name: str, its: Rights) -> Iterator[Document]:
    for topic in sorted(its.publishes | its.reads):
        allowed = [("Read", its.reads), ("Write", its.publishes)]
        yield _rule("topic", topic, ["Describe", *(operation for operation, topics in allowed if topic in topics)])
    if its.reads:
        yield _rule("group", name, ["Describe", "Read"])


def _autoscaler(wanted: dict[str, Rights]) -> Iterator[Document]:
    """How much waits: the end of each topic that is read, and how far its group is."""
    for topic in sorted({topic for its in wanted.values() for topic in its.reads}):
        yield _rule("topic", topic, ["Describe"])
    for name in sorted(name for name, its in wanted.items() if its.reads):
        yield _rule("group", name, ["Describe"])


def _rule(kind: str, name: str, operations: list[str]) -> Document:
    return {"resource": {"type": kind, "name": name, "patternType": "literal"}, "operations": operations}


def _user(name: str, rules: list[Document]) -> Document:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": name, "labels": {"strimzi.io/cluster": "minsu"}},
        "spec": {"authentication": {"type": "scram-sha-512"}, "authorization": {"type": "simple", "acls": rules}},
    }


def text() -> str:
    return HEAD + yaml.safe_dump_all(documents(), sort_keys=False, width=120)


if __name__ == "__main__":
    PLACE.write_text(text())
