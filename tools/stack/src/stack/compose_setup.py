"""What `docker compose` runs before all else: the same keys, tokens and settings as on a laptop, with the containers' names
in place of loopback; then the topics.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from stack import kafka, layout, wechat
from stack.databases import database_url, owner_of, role_of
from stack.environment import Environment, External, dotenv
from stack.errors import StackError
from stack.layout import DATABASES, SEEDED, Layout
from stack.vault import Vault, write_private

REPO, RUN = Path("/src"), Path("/run/minsu")
BROKERS, POSTGRES = "kafka:9092", "postgres:5432"
USER = 10001
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


def plan(repo: Path = REPO, run: Path = RUN) -> Composed:
    return Composed(repo, run, layout.planned_ports(repo / "dapr" / "dapr.yaml", {}))


def environment(where: Composed, merchant: wechat.Merchant, vault: Vault) -> Environment:
    """The browser is outside: what it is sent to has to be the published port."""
    caller = {
        "GATEWAY_PUBLIC_URL": f"http://localhost:{where.port('gateway')}",
        "GATEWAY_CASHIER_URL": f"http://localhost:{where.port('wechatsim')}/cashier",
        "GATEWAY_DEMO": "true",
    }
    databases = {service: database_url(vault, service, role_of(service), POSTGRES) for service in DATABASES}
    owners = {service: database_url(vault, service, owner_of(service), POSTGRES) for service in DATABASES}
    return Environment(where, vault, merchant, External(databases, BROKERS, owners), caller)


def databases_sql(vault: Vault) -> str:
    """Passwords are letters and digits: nothing to quote."""
    lines = []
    for service in DATABASES:
        roles = (owner_of(service), role_of(service))
        lines += [f"create role {name} login password '{vault.token(f'{name}-password')}';" for name in roles]
        lines += [
            f"create database {roles[0]} owner {roles[0]};",
            f"revoke connect on database {roles[0]} from public;",
        ]
    return "\n".join(lines) + "\n"


def write(where: Composed) -> None:
    """A second run changes nothing that is there."""
    vault = Vault(where.run)
    made = environment(where, wechat.make_keys(where, vault), vault)
    made.write()
    for service in DATABASES:
        write_private(where.run / "env" / f"{service}-migrate.env", dotenv(made.migration(service)))
    for service in SEEDED:
        told = made.service(service) | made.seed(service)
        write_private(where.run / "env" / f"{service}-seed.env", dotenv(told))
    for name in ("secrets", "env", "state", "wechatsim"):
        (where.run / name).mkdir(exist_ok=True)
    sidecars = where.run / "env" / "daprd.env"
    # A sidecar is found by its container's address, which it knows by itself.
    kept = [line for line in sidecars.read_text().splitlines() if not line.startswith("DAPR_HOST_IP=")]
    write_private(sidecars, "\n".join(kept) + "\n")
    (where.run / "databases.sql").write_text(databases_sql(vault))
    (where.run / "postgres-password").write_text(vault.token("postgres-password"))
    if os.geteuid() == 0:
        for path in [where.run, *where.run.rglob("*")]:
            os.chown(path, USER, USER)


def create_topics(where: Composed) -> list[str]:
    wanted = kafka.topics(where.repo / "contracts" / "asyncapi.yaml")
    deadline = time.monotonic() + PATIENCE
    while reason := kafka.why_not_ready(BROKERS):
        if time.monotonic() > deadline:
            raise StackError(f"Kafka does not answer at {BROKERS}: {reason}")
        time.sleep(1)
    return kafka.create_topics(BROKERS, wanted)


def main(words: list[str]) -> int:
    where = plan()
    if words == ["topics"]:
        sys.stdout.write(f"topics made: {', '.join(create_topics(where)) or 'none, all are there'}\n")
    else:
        write(where)
        sys.stdout.write("keys, tokens and settings are in place\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
