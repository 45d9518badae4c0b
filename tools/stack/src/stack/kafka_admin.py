"""What Kafka is told once it runs: topics, and for each service a user that may publish and read what the contract says
of it, and nothing else (decision 0034).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError

from stack.errors import StackError

ADMIN = "admin"
"""The one user that may do everything: the broker itself and those who set it up. No service knows its password."""
RESERVED = (ADMIN, "keda")
"""No app can have these names."""
QUICK_ANSWER_MS = 3000
EVERY_ACL = ACLFilter(
    None, None, ACLOperation.ANY, ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)  # fmt: skip


@dataclass(frozen=True)
class Rights:
    """The topics of one service. Its consumer group has its name."""

    publishes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Broker:
    """Where Kafka is, and the password of ADMIN; without one it is a Kafka that asks for none."""

    address: str
    password: str = ""

    def login(self) -> dict[str, Any]:
        """What any client of kafka-python is given to be ADMIN."""
        if not self.password:
            return {"bootstrap_servers": self.address}
        return {
            "bootstrap_servers": self.address,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": ADMIN,
            "sasl_plain_password": self.password,
        }


def topics(contract: Path) -> dict[str, int]:
    """Every channel's topic and its partitions."""
    found = {}
    for name, channel in _read(contract)["channels"].items():
        try:
            found[str(channel["address"])] = int(channel["bindings"]["kafka"]["partitions"])
        except KeyError as missing:
            raise StackError(f"{contract.name}: channel {name} has no {missing}") from None
    return found


def rights(contract: Path) -> dict[str, Rights]:
    """By service, as the contract's operations say. A consumer's sidecar publishes its dead letters and reads them."""
    content = _read(contract)
    found: defaultdict[str, Rights] = defaultdict(Rights)
    for name, operation in content["operations"].items():
        service = found[name.partition(".")[0]]
        topic = content["channels"][operation["channel"]["$ref"].rpartition("/")[2]]["address"]
        if operation["action"] == "send":
            service.publishes.add(topic)
        else:
            dead_letters = f"{topic}.{name.partition('.')[0]}.dlq"
            service.publishes.add(dead_letters)
            service.reads.update({topic, dead_letters})
    return dict(found)


def rights_of_seat(app: str, contract: Path, ours: Collection[str]) -> dict[str, Rights]:
    """The same of an app that joins with a contract of its own: it may read any topic, and writes to those that it defines.
    `ours` are the topics of other contracts. Raises StackError for an operation of another app, for one that sends to a
    channel of another file, for a channel that takes another's topic or has no name of this app, and for an app that
    would be a user which is there already."""
    if app in RESERVED:
        raise StackError(f"{contract}: {app} is a user of Kafka of its own: name the app otherwise")
    content: dict[str, Any] = yaml.safe_load(contract.read_text())
    for name, channel in content["channels"].items():
        address = str(channel.get("address", ""))
        if "$ref" not in channel and (address in ours or not _is_of(app, address)):
            raise StackError(
                f"{contract}: the topic of {name}, {address!r}, is not of {app}: {app}-… or ….{app}.dlq, and no other's"
            )
    for name, operation in content["operations"].items():
        channel = content["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        if name.partition(".")[0] != app:
            raise StackError(f"{contract}: the operation {name} is not of {app}")
        if operation["action"] == "send" and "$ref" in channel:
            raise StackError(f"{contract}: {name} sends to {channel['$ref']}, which is not of {app}")
    return rights(contract)


def _is_of(app: str, topic: str) -> bool:
    return topic.startswith(f"{app}-") or topic.endswith(f".{app}.dlq")


def _read(contract: Path) -> dict[str, Any]:
    """The document, with the channels that it takes from another file in place."""
    content: dict[str, Any] = yaml.safe_load(contract.read_text())
    for name, channel in content["channels"].items():
        if "$ref" in channel:
            file, _, pointer = channel["$ref"].partition("#")
            other = yaml.safe_load((contract.parent / file).read_text())
            content["channels"][name] = other["channels"][pointer.rpartition("/")[2]]
    return content


def create_topics(broker: Broker, wanted: dict[str, int]) -> list[str]:
    """Create what is missing, in one request. Returns the new ones' names."""
    with _admin(broker) as admin:
        missing = sorted(set(wanted) - set(admin.list_topics()))
        if missing:
            admin.create_topics({name: {"num_partitions": wanted[name]} for name in missing}, wait_for_metadata=True)
    return missing


def grant(broker: Broker, wanted: Mapping[str, Rights], passwords: Mapping[str, str]) -> None:
    """Exactly these users and rights: what another version of the contract gave is taken. Can be repeated."""
    users = [
        UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, passwords[name]) for name in sorted(wanted)
    ]
    rules = {rule for name, its in wanted.items() for rule in _rules(name, its)}
    with _admin(broker) as admin:
        found = set(admin.describe_acls(EVERY_ACL)[0])
        failed = [f"user {name}: {why}" for name, why in admin.alter_user_scram_credentials(users).items() if why]
        if rules - found:
            failed += [str(each) for each in admin.create_acls(list(rules - found))["failed"]]
        if found - rules:
            admin.delete_acls([_as_filter(each) for each in found - rules])
    if failed:
        raise StackError(f"the users of Kafka could not be made at {broker.address}: {', '.join(failed)}")


def why_not_ready(broker: Broker) -> str | None:
    try:
        with _admin(broker):
            return None
    except StackError as error:
        return str(error)


def _rules(name: str, its: Rights) -> Iterator[ACL]:
    for topic in its.publishes:
        yield _rule(name, ResourceType.TOPIC, topic, ACLOperation.WRITE)
    for topic in its.reads:
        yield _rule(name, ResourceType.TOPIC, topic, ACLOperation.READ)
    if its.reads:
        yield _rule(name, ResourceType.GROUP, name, ACLOperation.READ)


def _rule(user: str, kind: ResourceType, name: str, operation: ACLOperation) -> ACL:
    """To read or to write includes to describe."""
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))


def _as_filter(acl: ACL) -> ACLFilter:
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)


@contextmanager
def _admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    """Raises StackError for whatever Kafka refuses or does not respond to."""
    try:
        admin = KafkaAdminClient(
            **broker.login(), client_id="minsu-stack",
            request_timeout_ms=10 * QUICK_ANSWER_MS, bootstrap_timeout_ms=QUICK_ANSWER_MS,
        )  # fmt: skip
        try:
            yield admin
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise StackError(f"Kafka at {broker.address}: {error or type(error).__name__}") from error
