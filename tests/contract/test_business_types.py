"""What can be paid for: each service with a `payable` that payment may call is registered, follows its payments, can ask
for money to go back, and leaves other businesses' payments alone."""

import json

import httpx
import pytest
import yaml

from payment.parts import Parts
from payment.settings import Settings
from servicekit.errors import PeerUnavailable
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar
from tests.contract.documents import CONTRACTS, NO_DATABASE
from tests.support.services import REPO, REQUIRED, create, modules
from wechatsim.signing import pki

OWNERS = {
    name for name, each in modules("endpoints.internal").items() if "payment" in each.CALLERS.get("payable", set())
}
OPERATIONS = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())["operations"].items()
PAYMENT_STATUS = "payment-update-paystatus-topic"
FOLLOWING = {
    each["scopes"][0]: each["spec"]["routes"]["default"]
    for file in sorted((REPO / "dapr/subscriptions").glob("*.yaml"))
    if (each := yaml.safe_load(file.read_text()))["spec"]["topic"] == PAYMENT_STATUS
}
"""Consumer → its route."""


@pytest.fixture(scope="module")
def registered():
    sidecar = FakeSidecar()
    settings = Settings(database_url=NO_DATABASE, APP_API_TOKEN=APP_TOKEN, **REQUIRED["payment"])
    key = pki.key_pem(pki.new_key())
    parts = Parts.of(settings, {"wxpay-mch-private-key": key, "wxpay-apiv3-key": "k" * 32}, sidecar=sidecar)
    return sidecar, parts.checkout.business_types._types


async def test_every_owner_is_registered_under_a_label_of_its_own(registered):
    sidecar, types = registered
    for each in types.values():
        with pytest.raises(PeerUnavailable):
            await each.owner.payable("SHP2026112309302612345678")

    assert {(app, path) for app, path, _ in sidecar.calls} == {(owner, "/internal/payable") for owner in OWNERS}
    assert len({each.label for each in types.values()}) == len(types)


def test_every_owner_follows_its_payments_and_can_ask_for_a_refund():
    receiving = {name.partition(".")[0] for name, each in OPERATIONS if _is(each, "receive", "paymentPaystatus")}
    sending = {name.partition(".")[0] for name, each in OPERATIONS if _is(each, "send", "orderRefundRequested")}

    assert OWNERS == receiving == sending == set(FOLLOWING)


def _is(operation, action, channel):
    return (operation["action"], operation["channel"]["$ref"]) == (action, f"#/channels/{channel}")


@pytest.mark.parametrize("owner", sorted(FOLLOWING))
async def test_a_payment_of_another_business_touches_no_table(owner):
    """Without its database a consumer can only ignore an event, or ask for it again."""
    example = json.loads((CONTRACTS / "events/examples/paystatus-updated.v1.json").read_text())
    foreign = [example | {"serviceType": "another"}, *([] if owner == "order" else [_without_type(example)])]
    entries = [
        {
            "entryId": str(place),
            "event": {"id": str(place), "source": "minsu/payment", "topic": PAYMENT_STATUS, "data": data},
            "contentType": "application/cloudevents+json",
            "metadata": {"__key": str(place), "__topic": PAYMENT_STATUS},
        }
        for place, data in enumerate(foreign)
    ]
    app = create(owner, NO_DATABASE, sidecar=FakeSidecar())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://app", headers=SIDECAR_HEADERS
    ) as http:
        response = await http.post(FOLLOWING[owner], json={"entries": entries})

    assert {each["status"] for each in response.json()["statuses"]} == {"SUCCESS"}


def _without_type(data):
    """Of before there was another business: a stay's."""
    return {name: value for name, value in data.items() if name != "serviceType"}
