"""Go's notification at its edges: tokens, unknown paths, dead letters, health, and its end."""

import os
import re
import signal
import subprocess

import httpx
import psycopg
import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from notification.retries import JITTER
from notification.settings import Settings
from notification.wechat.errcodes import ERRCODES
from servicekit.testing import APP_TOKEN
from stack import children
from stack.layout import REPO
from tests.seats.conftest import DELIVERY, SN, TOPICS, environment, order, state_event
from tests.support.ports import free_port
from tests.support.postgres import as_owner
from tests.support.waiting import eventually

STATE = "/events/order-state"
TOKEN = {"dapr-api-token": APP_TOKEN}


@pytest.mark.parametrize(
    ("path", "headers", "status", "slug"),
    [
        (STATE, {}, 401, "unauthenticated"),
        (STATE, {"dapr-api-token": "another" * 5}, 401, "unauthenticated"),
        (STATE, TOKEN, 403, "forbidden"),  # without the delivery token
        (f"/delivered/{'x' * 24}{STATE}", TOKEN, 403, "forbidden"),
        ("/internal/personalData", {}, 401, "unauthenticated"),
        ("/nowhere", {}, 404, "not-found"),
    ],
)
def test_who_may_not_come_in_is_refused(service, path, headers, status, slug):
    response = httpx.post(service.url + path, json=state_event(), headers=headers)
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["trace_id"] == response.headers["trace-id"]
    assert service.rows("select 1 from inbox") == []


ERASE, JOB = "/internal/erasePersonalData", "/jobs/notification-reapply-dead-letters"


def test_another_spelling_of_a_path_passes_no_guard(service):
    wanted = {
        **{odd + path: 404 for odd in ("/", "/.", "/x/..", "/%2e", "/x/%2e%2e") for path in (ERASE, JOB)},
        f"/%2f{ERASE[1:]}": 404,
        ERASE.replace("l/", "l//"): 401,
        ERASE.replace("l/", "l%2f"): 401,
        ERASE.replace("i", "%69"): 401,
        JOB.replace("j", "%6a"): 401,
        f"/x/../delivered/{DELIVERY}{JOB}": 404,
        f"/%64elivered/{DELIVERY}{JOB}": 401,
    }
    with httpx.Client(headers={"dapr-caller-app-id": "usercenter"}) as http:

        def status(path):  # as it is on the wire: httpx alone would drop the dots
            return http.request("POST", service.url, json={}, extensions={"target": path.encode()}).status_code

        assert {path: status(path) for path in wanted} == wanted


def test_a_path_of_a_later_build_waits_with_the_broker(service):
    for method in ("POST", "GET", "OPTIONS"):
        url = f"{service.url}/delivered/{'d' * 24}/events/of-a-later-build"
        response = httpx.request(method, url, headers=TOKEN)
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert service.metric('deliveries_unknown_total{path="/events/of-a-later-build"}') == 3


def test_dead_letters_are_kept_and_applied_again(service):
    service.played.orders[SN] = order()
    path = f"/events/dead-letters/{TOPICS[0]}"
    for body in (state_event(), state_event(9), b"\xff no json"):
        assert service.deliver(path, body).json() == {"status": "SUCCESS"}
    assert service.tick("notification-reapply-dead-letters") == 3
    states = service.rows("select state, source from dead_letter order by id")
    assert [(row["state"], row["source"]) for row in states] == [
        ("applied", "order"),
        ("poison", "order"),
        ("poison", "unreadable"),
    ]
    eventually(lambda: service.tasks() == {f"paid {SN}": "sent", f"before_arrival {SN}": "sent"})


def test_its_dead_letter_readers_are_announced(service):
    announced = httpx.get(f"{service.url}/dapr/subscribe", headers=TOKEN).json()
    assert {(each["topic"], each["route"]) for each in announced} == {
        (f"{topic}.notification.dlq", f"/events/dead-letters/{topic}") for topic in TOPICS
    }


def test_a_large_body_is_refused_and_nothing_is_kept(service):
    response = httpx.post(f"{service.url}/notification/v1/ops/taskList", content=b" " * (1024 * 1024 + 1))
    assert (response.status_code, response.json()["code"]) == (413, 100108)


def test_a_send_under_way_ends_before_the_process_does(service):
    service.played.orders[SN] = order()
    service.bulk(STATE, state_event())
    assert service.stop() == 0
    assert [row["outcome"] for row in service.rows("select outcome from delivery_attempt")] in ([], ["accepted"] * 2)
    assert service.rows("select 1 from delivery_attempt where ended_at is null") == []


def test_it_does_not_start_on_tables_of_another_revision(program, server, played):
    _, sidecar = played
    database = server.migrated("notification", "older")
    with_owner = environment(database, sidecar, free_port())
    with psycopg.connect(as_owner(database), autocommit=True) as connection:
        connection.execute("update alembic_version set version_num = '0004_act_chain'")
    done = subprocess.run(
        [program], env=os.environ | with_owner, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 3
    assert "the database is at revision 0004_act_chain, this build needs 0005_personal_data" in done.stdout


def test_every_wrong_setting_is_named(program):
    told = {"PATH": os.environ["PATH"], "APP_API_TOKEN": "short", "NOTIFICATION_PARALLEL": "many"}
    done = subprocess.run([program], env=told, capture_output=True, text=True, timeout=30, check=False)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in lines if "PARALLEL" in line or "TOKEN" in line] == [
        "setting APP_API_TOKEN",
        "setting NOTIFICATION_PARALLEL",
    ]
    assert "setting NOTIFICATION_DATABASE_URL: must be set" in lines


def test_its_image_can_ask_whether_it_is_ready(service, program, server, played):
    _, sidecar = played
    port = int(service.url.rpartition(":")[2])
    asking = [
        subprocess.run([program, "healthy"], env=environment("postgresql://a@b/c", sidecar, each), check=False)
        for each in (port, free_port())
    ]
    assert [done.returncode for done in asking] == [0, 1]
    unknown = subprocess.run([program, "migrate"], env=environment("postgresql://a@b/c", sidecar, port), check=False)
    assert unknown.returncode == 2


def test_its_texts_are_those_of_the_python_service():
    texts = REPO / "seats/notification-go/internal/text"
    for copy, source in {
        "servicekit": "libs/servicekit/src/servicekit/messages.toml",
        "notification": "apps/notification/src/notification/messages.toml",
    }.items():
        assert (texts / f"{copy}.toml").read_bytes() == (REPO / source).read_bytes()


def _written(source: str) -> dict[str, str]:
    """Variable → default, as config.go has them; those that are required, spans and networks left out."""
    found = re.findall(r'r\.(?:integer|seconds|text|oneOf|rate)\((ours\+)?"([A-Z_]+)", "?([^",)]*)', source)
    found += re.findall(r'r\.(?:matching|url)\((ours\+)?"([A-Z_]+)", optional\("([^"]*)"\)', source)
    return {f"NOTIFICATION_{name}" if ours else name: value for ours, name, value in found}


def _of_python(name: str, field: FieldInfo) -> tuple[str, str]:
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return str(field.validation_alias or f"NOTIFICATION_{name.upper()}"), "" if default is None else str(default)


def test_its_defaults_are_those_of_the_python_service():
    written = _written((REPO / "seats/notification-go/internal/config/config.go").read_text())
    known = dict(_of_python(*each) for each in Settings.model_fields.items())
    assert written.keys() - known.keys() == {"OTEL_EXPORTER_OTLP_ENDPOINT"}, "read by OpenTelemetry itself in Python"
    known["OTEL_EXPORTER_OTLP_ENDPOINT"] = ""
    assert {name: _plain(value) for name, value in written.items()} == {name: _plain(known[name]) for name in written}
    assert len(written) > 30
    app = (REPO / "seats/notification-go/internal/app/app.go").read_text()
    assert f"const jitter = {JITTER}\n" in app


def _plain(value: str) -> str | float:
    try:
        return float(value)
    except ValueError:
        return value


def test_its_tables_are_those_of_the_last_migration():
    versions = REPO / "apps/notification/src/notification/migrations/versions"
    last = max(file.stem for file in versions.glob("0*.py"))
    assert f'const Revision = "{last}"' in (REPO / "seats/notification-go/internal/pg/schema.go").read_text()


def test_a_second_signal_ends_the_wait_for_the_sidecar(service):
    assert service.stop(signal.SIGINT) == 0


def test_its_errcodes_are_those_of_the_python_service():
    source = (REPO / "seats/notification-go/internal/wechat/errcodes.go").read_text()
    listed = re.findall(r'^\t(-?\d+): +\{fault(\w+), "([a-z-]+)"\}', source, re.MULTILINE)
    assert {int(code): (fault.lower(), cause) for code, fault, cause in listed} == {
        code: (each.fault.value, each.cause) for code, each in ERRCODES.items()
    }


def test_it_comes_up_while_its_database_is_away_and_is_not_ready(program, played, tmp_path):
    _, sidecar = played
    port = free_port()
    told = os.environ | environment(f"postgresql://service@127.0.0.1:{free_port()}/away", sidecar, port)
    with (tmp_path / "log").open("w") as sink:
        process = children.start([program], env=told, stdout=sink, stderr=sink)
        try:
            eventually(lambda: alive(port), seconds=20, what="it is alive")
            response = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10)
            assert (response.status_code, response.json()["code"]) == (503, 100005)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        finally:
            children.end(process, signal.SIGKILL)


def alive(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
