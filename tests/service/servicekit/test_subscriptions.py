"""dapr/subscriptions against the services that they are for: topics, routes, and the largest batch that can come."""

import json
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from servicekit.events import LARGEST_BATCH, LARGEST_DELIVERY_BYTES, LARGEST_EVENT_BYTES
from servicekit.testing import SIDECAR_HEADERS, FakeSidecar
from tests.support.services import create

FILES = Path(__file__).resolve().parents[3] / "dapr" / "subscriptions"
DECLARED = [yaml.safe_load(file.read_text()) for file in sorted(FILES.glob("*.yaml"))]
BULK = [each for each in DECLARED if "bulkSubscribe" in each["spec"]]
CONSUMERS = sorted({app for each in DECLARED for app in each["scopes"]})


def pem(key, private):
    if private:
        formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, *formats).decode()
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()


@pytest.fixture(scope="module")
def services(postgres):
    """app-id → the app and the sidecar that it asks."""
    url = postgres.create("subscriptions_tests")
    key = rsa.generate_private_key(65537, 2048)
    more = {
        "payment": {
            "settings": {"wxpay_public_key_id": "PUB_KEY_ID_0119000000012026112300000000000001"},
            "secrets": {
                "wxpay-mch-private-key": pem(key, private=True),
                "wxpay-apiv3-key": "0" * 32,
                "wxpay-public-key": pem(key, private=False),
            },
        },
        "notification": {"settings": {"page": "pages/order/detail?sn={sn}"}, "wxma_secret": "x"},
    }
    sidecars = {name: FakeSidecar() for name in CONSUMERS}
    return {
        name: (create(name, url, sidecar=sidecar, **more.get(name, {})), sidecar) for name, sidecar in sidecars.items()
    }


def client(app):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://app", headers=SIDECAR_HEADERS)


@pytest.mark.parametrize("name", CONSUMERS)
async def test_what_is_declared_is_what_the_service_needs_and_announces(services, name):
    app, sidecar = services[name]
    declared = {each["spec"]["topic"]: each["spec"] for each in DECLARED if each["scopes"] == [name]}
    async with client(app) as http:
        assert (await http.get("/readyz")).status_code == 200
        announced = (await http.get("/dapr/subscribe")).json()

    assert sidecar.needed == set(declared)
    dead = {spec["deadLetterTopic"] for spec in declared.values() if "deadLetterTopic" in spec}
    assert dead == {topic for topic in declared if topic.endswith(".dlq")}
    assert {(each["pubsubname"], each["topic"], each["route"]) for each in announced} == {
        (declared[topic]["pubsubname"], topic, declared[topic]["routes"]["default"]) for topic in dead
    }


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: each["metadata"]["name"])
async def test_its_path_is_known_to_the_service(services, declared):
    async with client(services[declared["scopes"][0]][0]) as http:
        known = await http.post(declared["spec"]["routes"]["default"], content=b"no json")
        unknown = await http.post(declared["spec"]["routes"]["default"] + "-of-a-later-build", content=b"no json")

    assert "no such path" not in known.text
    assert (unknown.status_code, unknown.json()["detail"]) == (503, "this build has no such path")


@pytest.mark.parametrize("declared", BULK, ids=lambda each: each["metadata"]["name"])
async def test_a_full_batch_of_the_largest_events_is_taken(services, declared):
    assert declared["spec"]["bulkSubscribe"]["maxMessagesCount"] == LARGEST_BATCH
    entries = [_largest(number, declared["spec"]["topic"]) for number in range(LARGEST_BATCH)]
    body = json.dumps({"entries": entries, "id": "x" * 36, "type": "com.dapr.event.sent.bulk"}).encode()
    assert LARGEST_BATCH * LARGEST_EVENT_BYTES < len(body) <= LARGEST_DELIVERY_BYTES

    async with client(services[declared["scopes"][0]][0]) as http:
        answer = await http.post(declared["spec"]["routes"]["default"], content=body)
        too_large = await http.post(declared["spec"]["routes"]["default"], content=b" " * (LARGEST_DELIVERY_BYTES + 1))

    # Foreign events: unreadable to us, hence for the dead letters, and each has its own status.
    assert answer.status_code == 200, answer.text
    statuses = {each["entryId"]: each["status"] for each in answer.json()["statuses"]}
    assert statuses == {str(number): "DROP" for number in range(LARGEST_BATCH)}
    assert too_large.status_code == 413


def _largest(number, topic):
    entry = {
        "entryId": str(number),
        "event": {"id": str(number), "source": "unknown", "topic": topic, "data": {"filling": ""}},
        "contentType": "application/cloudevents+json",
        "metadata": {"__key": str(number), "__topic": topic},
    }
    entry["event"]["data"]["filling"] = "x" * (LARGEST_EVENT_BYTES - len(json.dumps(entry)))
    return entry
