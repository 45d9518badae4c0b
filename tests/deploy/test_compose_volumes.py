"""Each container of docker-compose.yml has its own keys and no other's: volumes, files, and what is in them."""

import json
from collections import defaultdict

import jwt
import pytest
import yaml

from stack import authority, compose_setup, compose_volumes
from stack.layout import DATABASES, REPO
from tests.support.services import SERVICES

COMPOSE = yaml.safe_load((REPO / "docker-compose.yml").read_text())["services"]
SETTINGS = {"kafka": "kafka-settings", "postgres": "postgres-settings"}
"""Containers whose own name is taken by the volume of their data."""
SHARED = {"names", "photos"}
"""Hold no secret: where sidecars find one another, hosts' pictures."""
WECHAT = {"wxpay-mch-private-key", "wxpay-apiv3-key"}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """name → folder, as `setup` leaves them."""
    place = tmp_path_factory.mktemp("volumes")
    compose_setup.write(compose_setup.plan(REPO, place))
    return {folder.name: folder for folder in place.iterdir()}


@pytest.fixture(scope="module")
def contents(volumes):
    """container → all that its files hold."""
    return {
        name: "\n".join(file.read_text() for file in folder.rglob("*") if file.is_file())
        for name, folder in volumes.items()
    }


def mounted(service):
    """Named volumes of a container, by the place where it finds them."""
    pairs = [one.split(":")[:2] for one in COMPOSE[service].get("volumes", ())]
    return {place: volume for volume, place in pairs if not volume.startswith(".")}


def holders(contents, secret):
    return {name for name, text in contents.items() if secret in text} - {"setup"}


def test_every_container_finds_its_own_volume_and_only_setup_finds_them_all(volumes):
    found = mounted("setup")
    assert found == {f"/run/minsu/{name}": SETTINGS.get(name, name) for name in volumes}
    for service in COMPOSE:
        own = {volume for place, volume in mounted(service).items() if volume not in SHARED}
        if service != "setup":
            data = {service} if service in SETTINGS else set()
            assert own == data | {SETTINGS.get(service, service)}, service
    assert set(volumes) == set(COMPOSE) | SHARED
    readers = defaultdict(set)
    for service in COMPOSE:
        for volume in mounted(service).values():
            readers[volume].add(service)
    assert readers["photos"] == {"setup", "travel-daprd"}
    assert readers["names"] == {"setup", *(f"{name}-daprd" for name in SERVICES)}


def test_what_a_container_may_only_read_is_mounted_so():
    for service, one in COMPOSE.items():
        for line in one.get("volumes", ()):
            if ":/run/minsu" in line and service != "setup":
                assert line.endswith(":/run/minsu:ro"), service


@pytest.mark.parametrize("service", SERVICES)
def test_tokens_are_known_to_the_app_and_its_sidecar_alone(volumes, contents, service):
    vault = json.loads((volumes["setup"] / "state" / "vault.json").read_text())
    seeds = {f"{service}-seed"} & set(contents)
    for token in ("app-token", "dapr-token", "delivery-token"):
        assert holders(contents, vault[f"{service}-{token}"]) == {service, f"{service}-daprd"} | seeds


@pytest.mark.parametrize("service", DATABASES)
def test_passwords_of_databases_are_known_where_they_are_used_alone(volumes, contents, service):
    vault = json.loads((volumes["setup"] / "state" / "vault.json").read_text())
    seeds = {f"{service}-seed"} & set(contents)
    assert holders(contents, vault[f"minsu_{service}-password"]) == {f"{service}-migrate", "postgres"}
    assert holders(contents, vault[f"minsu_{service}_service-password"]) == {service, "postgres"} | seeds


def test_passwords_of_kafka_are_known_to_one_sidecar_each(volumes, contents):
    vault = json.loads((volumes["setup"] / "state" / "vault.json").read_text())
    assert holders(contents, vault["kafka-admin-password"]) == {"kafka", "topics"}
    for service in ("order", "payment", "travel", "notification"):
        assert holders(contents, vault[f"kafka-{service}-password"]) == {f"{service}-daprd", "topics"}


def test_keys_of_wechat_are_in_payments_sidecar_and_the_key_of_logins_in_usercenters(volumes, contents):
    """And in the sandbox, which plays WeChat and hands the merchant its keys."""
    held = json.loads((volumes["payment-daprd"] / "secrets.json").read_text())["payment"]
    for name in sorted(WECHAT):
        [line] = [each for each in held[name].splitlines() if "-----" not in each][:1]
        assert holders(contents, line) == {"payment-daprd", "wechatsim"}
    vault = json.loads((volumes["setup"] / "state" / "vault.json").read_text())
    key = json.dumps(vault["jwt-key"]).strip('"')
    assert holders(contents, key) == {"usercenter-daprd"}
    assert holders(contents, vault["buyer-password"]) == {"usercenter-seed"}


def test_the_seed_finds_the_key_that_seals_the_operators_second_factor_and_no_other_key(volumes, contents):
    vault = json.loads((volumes["setup"] / "state" / "vault.json").read_text())
    assert holders(contents, vault["totp-key"]) == {"usercenter-daprd", "usercenter-seed"}
    assert holders(contents, vault["operator-totp-secret"]) == {"usercenter-seed"}
    assert "USERCENTER_SEED_SECRETS_FILE=/run/minsu/secrets.json\n" in (volumes["usercenter-seed"] / "env").read_text()
    assert json.loads((volumes["usercenter-seed"] / "secrets.json").read_text()) == {
        "usercenter": {"totp-key": vault["totp-key"]}
    }


def test_the_key_that_sentry_signs_with_is_its_own_and_that_of_tokens_stays_with_setup(volumes, contents):
    kept = volumes["setup"] / compose_volumes.AUTHORITY
    assert holders(contents, (kept / authority.ISSUER_KEY).read_text()) == {"sentry"}
    assert holders(contents, (kept / authority.TOKENS_KEY).read_text()) == set()
    keys = jwt.PyJWKSet.from_json((volumes["sentry"] / authority.KEY_SET).read_text())
    for name in SERVICES:
        token = (volumes[f"{name}-daprd"] / compose_volumes.IDENTITY).read_text()
        claims = jwt.decode(token, keys.keys[0], algorithms=["ES256"], audience=authority.SENTRY)
        assert claims["sub"] == f"spiffe://public/ns/minsu/{name}"


def test_no_file_of_a_volume_is_open_to_others(volumes):
    for name, folder in volumes.items():
        if name != "setup":
            modes = {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}
            assert modes == {0}, name


def test_every_sidecar_has_an_identity_and_a_policy():
    script = (REPO / "deploy" / "docker" / "sidecar").read_text()
    assert "--enable-mtls" in script
    assert f"--control-plane-trust-domain={authority.TRUST_DOMAIN}" in script
    assert f"--control-plane-namespace={authority.CONTROL_PLANE_NAMESPACE}" in script
    assert '--config="/dapr/access/$APP_ID.yaml"' in script
    port = script.partition("--sentry-address=sentry:")[2].split()[0]
    assert f"--port={port}" in COMPOSE["sentry"]["command"]
    assert f"--trust-domain={authority.TRUST_DOMAIN}" in COMPOSE["sentry"]["command"]
    for name in SERVICES:
        assert "./dapr/access:/dapr/access:ro" in COMPOSE[f"{name}-daprd"]["volumes"]
        assert COMPOSE[f"{name}-daprd"]["depends_on"]["sentry"] == {"condition": "service_started"}
