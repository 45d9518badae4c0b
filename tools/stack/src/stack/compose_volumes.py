"""What each container of docker-compose.yml finds in its own volume, at /run/minsu: what it needs, and no other's keys."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack import authority, kafka
from stack.databases import owner_of, role_of
from stack.environment import SEED_SECRETS, Environment, dotenv
from stack.kafka_admin import ADMIN
from stack.layout import DATABASES, SEEDED
from stack.vault import write_private

OURS, POSTGRES_USER, KAFKA_USER, SENTRY_USER = 10001, 999, 1000, 65532
"""Who runs in our images, and in those of postgres, apache/kafka and daprio/sentry."""
KAFKA_PASSWORDS = "kafka-passwords.json"
AUTHORITY, IDENTITY = "authority", "identity.jwt"
NAMES, PHOTOS = "/run/names/names.db", "/run/photos"


@dataclass(frozen=True)
class Container:
    """`name` is that of the volume, too. `files` are written, `folder` is copied."""

    name: str
    files: Mapping[str, str] = field(default_factory=dict)
    user: int = OURS
    folder: Path | None = None

    def write(self, place: Path, *, as_root: bool) -> None:
        """`as_root`: the files are handed to the container's own user, which else is ours."""
        place.mkdir(parents=True, exist_ok=True)
        if self.folder:
            shutil.copytree(self.folder, place, dirs_exist_ok=True)
        for name, text in self.files.items():
            write_private(place / name, text)
        for path in [place, *place.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
            if as_root:
                os.chown(path, self.user, self.user)


def containers(made: Environment) -> Iterator[Container]:
    vault = made.vault
    for name in made.layout.services:
        yield Container(name, {"env": dotenv(made.service(name))})
        yield _sidecar(made, name)
    for name in DATABASES:
        yield Container(f"{name}-migrate", {"env": dotenv(made.migration(name))})
    for name in SEEDED:
        yield _seed(made, name)
    passwords = {ADMIN: made.broker.password, **made.kafka_passwords()}
    yield Container("topics", {KAFKA_PASSWORDS: json.dumps(passwords)})
    yield Container("kafka", {"server.properties": _kafka(made)}, KAFKA_USER)
    password = {"password": vault.token("postgres-password"), "databases.sql": databases_sql(made)}
    yield Container("postgres", password, POSTGRES_USER)
    yield Container("wechatsim", folder=made.layout.keys)
    yield _sentry(made)
    # Where sidecars find one another, and hosts' photos: no secret, but written by sidecars.
    yield Container("names")
    yield Container("photos")


def _seed(made: Environment, name: str) -> Container:
    """usercenter's seals the operator's second factor: of the secrets of the store it has that key alone."""
    told, files = made.service(name) | made.seed(name), {}
    if name == "usercenter":
        told |= {SEED_SECRETS: "/run/minsu/secrets.json"}
        files["secrets.json"] = json.dumps({name: {"totp-key": made.secrets(name)["totp-key"]}})
    return Container(f"{name}-seed", {"env": dotenv(told), **files})


def _sidecar(made: Environment, name: str) -> Container:
    told = made.sidecars() | made.sidecar(name)
    del told["DAPR_HOST_IP"]  # it is found by its container's address, which it knows by itself
    told |= {
        "MINSU_SECRETS_FILE": "/run/minsu/secrets.json",
        "MINSU_NAME_RESOLUTION_DB": NAMES,
        "PHOTOS_DIR": PHOTOS,
        "DAPR_SENTRY_TOKEN_FILE": f"/run/minsu/{IDENTITY}",
        "NAMESPACE": authority.NAMESPACE,
    }
    files = {
        "env": dotenv(told),
        "secrets.json": json.dumps({name: made.secrets(name)}),
        IDENTITY: authority.token(made.layout.run / AUTHORITY, name),
        authority.ROOT: (made.layout.run / AUTHORITY / authority.ROOT).read_text(),
    }
    return Container(f"{name}-daprd", files)


def _sentry(made: Environment) -> Container:
    """It signs with the issuer's key and looks at tokens; the key by which they are made stays with `setup`."""
    kept = made.layout.run / AUTHORITY
    files = {name: (kept / name).read_text() for name in (authority.ROOT, authority.ISSUER, authority.ISSUER_KEY)}
    files |= {authority.KEY_SET: (kept / authority.KEY_SET).read_text()}
    files |= {"system.yaml": authority.configuration(f"/run/minsu/{authority.KEY_SET}")}
    return Container("sentry", files, SENTRY_USER)


def _kafka(made: Environment) -> str:
    """One node. The image takes the file as it is; its controller is reached from within the container alone."""
    values: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": "1@127.0.0.1:9093",
        "listeners": "CLIENTS://:9092,CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"CLIENTS://{made.broker.address}",
        "log.dirs": "/var/lib/kafka/data",
        **kafka.ONE_NODE,
        **kafka.authentication(made.broker.password),
    }
    return kafka.written(values)


def databases_sql(made: Environment) -> str:
    """Passwords are letters and digits: nothing to quote."""
    lines = []
    for service in DATABASES:
        roles = (owner_of(service), role_of(service))
        lines += [f"create role {name} login password '{made.vault.token(f'{name}-password')}';" for name in roles]
        lines += [
            f"create database {roles[0]} owner {roles[0]};",
            f"revoke connect on database {roles[0]} from public;",
        ]
    return "\n".join(lines) + "\n"
