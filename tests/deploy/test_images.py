"""What goes into an image, as far as it can be shown without an engine."""

import re
import subprocess
import sys
from importlib import import_module

import pytest
import yaml

from stack import compose_setup
from stack.layout import DATABASES, REPO
from stack.vault import Vault
from tests.support.services import SERVICES
from tests.support.stack import read_stack_env

DOCKER = REPO / "deploy" / "docker"
STAGE = re.compile(r"^FROM .* AS ([\w-]+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The volumes, as the service `setup` leaves them: a folder for each, the set-up's own is `run`."""
    run = tmp_path_factory.mktemp("run")
    where = compose_setup.plan(REPO, run)
    compose_setup.write(where)
    return where


def told(prepared, container):
    return read_stack_env(prepared.run.parent / container / "env")


def test_setup_hands_every_app_its_settings_with_the_containers_names(prepared):
    for service in SERVICES:
        assert len(told(prepared, service)["APP_API_TOKEN"]) >= 16
        if service in DATABASES:
            url = told(prepared, service)[f"{service.upper()}_DATABASE_URL"]
            assert url.startswith(f"postgresql://minsu_{service}_service:")
            assert url.endswith(f"@postgres:5432/minsu_{service}")
            owner = told(prepared, f"{service}-migrate")
            assert owner[f"{service.upper()}_OWNER_DATABASE_URL"].startswith(f"postgresql://minsu_{service}:")
            assert owner[f"{service.upper()}_DATABASE_ROLE"] == f"minsu_{service}_service"
    payment = told(prepared, "payment")
    assert payment["PAYMENT_WXPAY_BASE_URL"] == "http://wechatsim:8090"
    assert payment["PAYMENT_WXPAY_NOTIFY_URL"].startswith("http://gateway:8000/payment/v1/")
    assert told(prepared, "gateway")["GATEWAY_CASHIER_URL"] == "http://localhost:8090/cashier"


@pytest.mark.parametrize("service", SERVICES)
def test_setup_hands_every_app_what_has_no_default(prepared, service):
    kind = import_module(f"{service}.settings").Settings
    required = {
        field.validation_alias or f"{kind.model_config['env_prefix']}{name.upper()}"
        for name, field in kind.model_fields.items()
        if field.is_required()
    }

    assert required <= told(prepared, service).keys()


def test_setup_tells_sidecars_of_the_broker_and_not_of_a_loopback_address(prepared):
    for service in SERVICES:
        sidecar = told(prepared, f"{service}-daprd")
        assert (sidecar["KAFKA_BROKERS"], sidecar["KAFKA_AUTH_TYPE"]) == ("kafka:9092", "password")
        assert "DAPR_HOST_IP" not in sidecar


def test_a_second_setup_changes_nothing(prepared):
    files = {path: path.read_text() for path in prepared.run.parent.rglob("*") if path.is_file()}
    compose_setup.write(prepared)
    changed = {path.relative_to(prepared.run.parent) for path, text in files.items() if path.read_text() != text}
    assert {str(path) for path in changed if path.suffix != ".jwt"} == set()  # ES256 signs anew each time
    databases = (prepared.run.parent / "postgres" / "databases.sql").read_text()
    assert databases.count("create database") == databases.count("revoke connect") == len(DATABASES)
    assert databases.count("create role") == 2 * len(DATABASES)
    assert Vault(prepared.run).token("minsu_order-password") in databases


@pytest.mark.parametrize("member", ["order", "wechatsim"])
def test_a_package_that_is_put_in_place_can_be_run(tmp_path, member):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    members = [REPO / "libs" / "servicekit", REPO / "apps" / member]
    subprocess.run(["sh", DOCKER / "place-packages", venv, *members], check=True)
    argv = [venv / "bin" / "python", "-c", f"import importlib.util as u; print(u.find_spec('{member}').origin)"]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout.startswith(str(venv))
    assert (venv / "bin" / "wechatsim").exists() == (member == "wechatsim")


def test_every_image_that_compose_builds_is_a_stage_and_has_its_lock():
    stages = set(STAGE.findall((DOCKER / "Dockerfile").read_text()))
    for name, one in yaml.safe_load((REPO / "docker-compose.yml").read_text())["services"].items():
        build = one.get("build")
        if build:
            assert build["target"] in stages, name
            lock = build.get("args", {}).get("SERVICE", "setup")
            assert build["target"] == "sidecar" or (REPO / "requirements" / f"{lock}.lock").exists(), name


def test_what_is_copied_from_the_checkout_is_there_and_not_ignored():
    shown = [line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in (DOCKER / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY") and "--from" not in line:
            source = next(word for word in line.split()[1:] if not word.startswith("--")).replace("${SERVICE}", "order")
            assert (REPO / source).exists(), source
            assert source.split("/")[0] in {pattern.split("/")[0] for pattern in shown}, source


def test_a_service_runs_without_root_and_can_be_asked_for_its_health():
    text = (DOCKER / "Dockerfile").read_text()
    last = text[text.index("FROM base AS service") :]
    assert "\nUSER 10001:10001\n" in text
    assert "USER root" not in text
    assert "HEALTHCHECK" in last
    assert not re.search(r"apt-get|gcc|build-essential", text)
