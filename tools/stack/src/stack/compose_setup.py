"""What `docker compose` runs before all else: the same keys, tokens and settings as on a laptop, with the containers' names
in place of loopback, each container's own in a volume of its own; then Kafka's topics and users.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from stack import authority, compose_volumes, kafka_admin, layout, wechat
from stack.databases import database_url, owner_of, role_of
from stack.environment import Environment, External
from stack.errors import StackError
from stack.kafka_admin import ADMIN, Broker
from stack.layout import DATABASES, Layout
from stack.vault import Vault

REPO, VOLUMES = Path("/src"), Path("/run/minsu")
POSTGRES = "postgres:5432"
ON_ITS_OWN_LOOPBACK = "127.0.0.1:9092"
"""The service `topics` shares the network of `kafka`: the admin's password is never on the way between containers."""
PATIENCE = 60.0


@dataclass(frozen=True)
class Composed(Layout):
    """Each service has a host of its own name; what ours runs on is the image's Python."""

    @property
    def callbacks_to(self) -> str:
        return "gateway"  # payment listens on its own loopback only

    @property
    def python(self) -> Path:
        return Path(sys.executable)

    def url(self, name: str) -> str:
        return f"http://{name}:{self.port(name)}"


@dataclass(frozen=True)
class ComposedEnvironment(Environment):
    @property
    def broker(self) -> Broker:
        return Broker("kafka:9092", self.vault.token("kafka-admin-password"))


def plan(repo: Path = REPO, volumes: Path = VOLUMES) -> Composed:
    """The run folder is the volume of `setup` alone: it holds every key."""
    return Composed(repo, volumes / "setup", layout.planned_ports(repo / "dapr" / "dapr.yaml", {}))


def environment(where: Composed, merchant: wechat.Merchant, vault: Vault) -> Environment:
    """The browser is outside: what it is sent to has to be the published port."""
    caller = {
        "GATEWAY_PUBLIC_URL": f"http://localhost:{where.port('gateway')}",
        "GATEWAY_CASHIER_URL": f"http://localhost:{where.port('wechatsim')}/cashier",
        "GATEWAY_DEMO": "true",
    }
    databases = {service: database_url(vault, service, role_of(service), POSTGRES) for service in DATABASES}
    owners = {service: database_url(vault, service, owner_of(service), POSTGRES) for service in DATABASES}
    return ComposedEnvironment(where, vault, merchant, External(databases, owners=owners), caller)


def write(where: Composed) -> None:
    """A second run changes nothing that is there."""
    vault = Vault(where.run)
    made = environment(where, wechat.make_keys(where, vault), vault)
    made.write()
    authority.make(where.run / compose_volumes.AUTHORITY)
    as_root = os.geteuid() == 0
    for container in compose_volumes.containers(made):
        container.write(where.run.parent / container.name, as_root=as_root)


def create_topics(where: Composed, passwords: dict[str, str], address: str = ON_ITS_OWN_LOOPBACK) -> list[str]:
    """Topics, users and rights. Returns the new topics."""
    broker = Broker(address, passwords[ADMIN])
    deadline = time.monotonic() + PATIENCE
    while reason := kafka_admin.why_not_ready(broker):
        if time.monotonic() > deadline:
            raise StackError(f"Kafka does not answer: {reason}")
        time.sleep(1)
    kafka_admin.grant(broker, kafka_admin.rights(where.contract), passwords)
    return kafka_admin.create_topics(broker, kafka_admin.topics(where.contract))


def main(words: list[str]) -> int:
    where = plan()
    if words == ["topics"]:
        passwords = json.loads((VOLUMES / compose_volumes.KAFKA_PASSWORDS).read_text())
        sys.stdout.write(f"topics made: {', '.join(create_topics(where, passwords)) or 'none, all are there'}\n")
    else:
        write(where)
        sys.stdout.write("keys, tokens and settings are in place\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
