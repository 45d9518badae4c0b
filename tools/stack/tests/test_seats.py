"""Apps that join with files of their own: what `SEAT_<APP>=<language>` adds to the system, and what it may not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stack import kafka_admin, layout, seats
from stack.errors import StackError
from stack.kafka_admin import Rights

LEDGER = {"SEAT_LEDGER": "node"}
PAYMENT_STATUS_TOPIC = "payment-update-paystatus-topic"
DEAD_LETTERS = f"{PAYMENT_STATUS_TOPIC}.ledger.dlq"
CONTRACT = layout.REPO / "seats" / "ledger-node" / "asyncapi.yaml"
OURS = kafka_admin.topics(layout.REPO / "contracts" / "asyncapi.yaml")


def test_without_the_variable_nothing_joins() -> None:
    assert (
        layout.plan({}).seats == layout.plan({"SEAT_LEDGER": ""}).seats == layout.plan({"SEAT_LEDGER": "0"}).seats == ()
    )
    assert "ledger" not in layout.plan({}).services


def test_a_seat_is_one_more_service_with_ports_of_its_own() -> None:
    plain, joined = layout.plan({}), layout.plan(LEDGER)
    assert joined.services == (*plain.services, "ledger")
    assert {name: port for name, port in joined.ports.items() if name not in plain.ports} == {
        "ledger": 8018,
        "ledger-dapr-http": 3518,
        "ledger-dapr-grpc": 3538,
        "ledger-dapr-internal": 3558,
        "ledger-metrics": 3578,
    }


def test_its_ports_are_free_beside_third_replicas_identities_and_jaeger() -> None:
    every = " ".join(f"{name}=3" for name in layout.plan({}).services)
    assert "ledger" in layout.plan({**LEDGER, "REPLICAS": every, "MTLS": "1", "OBS": "1"}).ports


def test_what_was_brought_up_is_remembered(tmp_path: Path) -> None:
    env = {**LEDGER, "MINSU_RUN_DIR": str(tmp_path)}
    layout.record(layout.plan(env), ["ledger"])
    assert layout.recorded({"MINSU_RUN_DIR": str(tmp_path)}).layout == layout.plan(env)


def test_a_seat_joins_a_system_that_runs_and_does_not_leave_it_unnoticed() -> None:
    plain, joined = layout.plan({}), layout.plan(LEDGER)
    assert joined.continues(plain)
    assert joined.continues(joined)
    assert not plain.continues(joined)
    assert not layout.plan({**LEDGER, "MTLS": "1"}).continues(plain)
    assert not layout.plan({**LEDGER, "PORT_OFFSET": "100"}).continues(plain)


def test_a_seat_is_not_recorded() -> None:
    recorded = layout.plan({**LEDGER, "RECORD": "1"})
    assert recorded.seen_by_sidecar("order") == 8023
    assert recorded.seen_by_sidecar("ledger") == 8018


def test_a_seat_that_is_not_there_is_refused_by_its_folder() -> None:
    with pytest.raises(StackError, match=r"SEAT_LEDGER=cobol: there is no .*seats/ledger-cobol/dapr.yaml"):
        layout.plan({"SEAT_LEDGER": "cobol"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda seat: (seat / "build.sh").unlink(), "there is no .*/pie-node/build.sh"),
        (lambda seat: (seat / "build.sh").chmod(0o644), r"build.sh cannot be run: chmod \+x"),
        (lambda seat: (seat / "asyncapi.yaml").unlink(), "there is no .*/pie-node/asyncapi.yaml"),
        (lambda seat: (seat / "access" / "pie.yaml").unlink(), "there is no .*/access/pie.yaml"),
        (lambda seat: rewrite(seat, "appID: pie", "appID: pies"), r"the one appID is pie, .*not \['pies'\]"),
        (lambda seat: rewrite(seat, "metricsPort: 3578", ""), "dapr.yaml: metricsPort is missing"),
    ],
)
def test_a_folder_that_lacks_something_is_refused_by_name(
    tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    shutil.copytree(layout.REPO / "dapr", tmp_path / "dapr")
    pie = tmp_path / "seats" / "pie-node"
    for name in ("access/ledger.yaml", "asyncapi.yaml", "build.sh", "dapr.yaml", "resources/pubsub.yaml"):
        copy = pie / name.replace("ledger", "pie")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CONTRACT.parent / name, copy)
    rewrite(pie, "appID: ledger", "appID: pie")
    assert "pie" in layout.plan({"SEAT_PIE": "node"}, tmp_path).services

    change(pie)
    with pytest.raises(StackError, match=said):
        layout.plan({"SEAT_PIE": "node"}, tmp_path)


def rewrite(seat: Path, old: str, new: str) -> None:
    """In its run file."""
    file = seat / "dapr.yaml"
    file.write_text(file.read_text().replace(old, new))


def test_who_runs_a_service_of_ours_is_not_a_seat_that_joins() -> None:
    assert seats.joined({"SEAT_NOTIFICATION": "go"}, layout.REPO) == ()


def test_the_ledger_reads_payments_and_writes_its_own_dead_letters() -> None:
    wanted = Rights(publishes={DEAD_LETTERS}, reads={PAYMENT_STATUS_TOPIC, DEAD_LETTERS})
    assert kafka_admin.rights_of_seat("ledger", CONTRACT, OURS) == {"ledger": wanted}
    base = kafka_admin.topics(layout.plan({}).contract)
    assert kafka_admin.topics(CONTRACT) == {PAYMENT_STATUS_TOPIC: base[PAYMENT_STATUS_TOPIC], DEAD_LETTERS: 3}


def test_its_component_and_subscriptions_say_the_same_as_its_contract() -> None:
    resources = CONTRACT.parent / "resources"
    component = yaml.safe_load((resources / "pubsub.yaml").read_text())
    told = {each["name"]: each.get("value") for each in component["spec"]["metadata"]}
    subscribed = [yaml.safe_load(file.read_text()) for file in resources.glob("payment-status*.yaml")]
    rights = kafka_admin.rights_of_seat("ledger", CONTRACT, OURS)["ledger"]

    assert told["publishingScopes"] == f"ledger={','.join(sorted(rights.publishes))}"
    assert told["subscriptionScopes"] == f"ledger={','.join(sorted(rights.reads))}"
    assert {each["spec"]["topic"] for each in subscribed} == rights.reads
    assert {each["spec"]["pubsubname"] for each in subscribed} == {component["metadata"]["name"]}


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"ledger.pay": {"action": "send", "channel": {"$ref": "#/channels/paymentPaystatus"}}}, "ledger.pay sends to"),
        (
            {"order.pay": {"action": "receive", "channel": {"$ref": "#/channels/paymentPaystatus"}}},
            "order.pay is not of ledger",
        ),
    ],
)
def test_a_seat_that_takes_more_is_refused(tmp_path: Path, operation: dict[str, object], said: str) -> None:
    content = yaml.safe_load(CONTRACT.read_text()) | {"operations": operation}
    greedy = tmp_path / "asyncapi.yaml"
    greedy.write_text(yaml.safe_dump(content))
    with pytest.raises(StackError, match=said):
        kafka_admin.rights_of_seat("ledger", greedy, OURS)


@pytest.mark.parametrize(
    "address", ["order-refund-requested-topic", "order-nights-topic.travel.dlq", "other-topic", "ledger"]
)
def test_a_seat_that_takes_the_topic_of_another_under_a_channel_of_its_own_is_refused(
    tmp_path: Path, address: str
) -> None:
    content = yaml.safe_load(CONTRACT.read_text())
    content["channels"]["mine"] = {"address": address, "bindings": {"kafka": {"partitions": 1}}}
    content["operations"]["ledger.take"] = {"action": "send", "channel": {"$ref": "#/channels/mine"}}
    greedy = tmp_path / "asyncapi.yaml"
    greedy.write_text(yaml.safe_dump(content))
    with pytest.raises(StackError, match=f"the topic of mine, '{address}', is not of ledger"):
        kafka_admin.rights_of_seat("ledger", greedy, OURS)


def test_a_seat_with_a_name_like_the_beginning_of_our_topics_does_not_own_them(tmp_path: Path) -> None:
    content = yaml.safe_load(CONTRACT.read_text()) | {"operations": {}}
    content["channels"] = {"mine": {"address": "order-nights-topic", "bindings": {"kafka": {"partitions": 1}}}}
    greedy = tmp_path / "asyncapi.yaml"
    greedy.write_text(yaml.safe_dump(content))
    with pytest.raises(StackError, match="the topic of mine, 'order-nights-topic', is not of order-nights"):
        kafka_admin.rights_of_seat("order-nights", greedy, OURS)


@pytest.mark.parametrize("app", ["admin", "keda"])
def test_a_seat_cannot_have_the_name_of_a_user_with_other_rights(app: str) -> None:
    with pytest.raises(StackError, match=f"{app} is a user of Kafka of its own"):
        kafka_admin.rights_of_seat(app, CONTRACT, OURS)


def test_a_build_that_fails_says_how(tmp_path: Path) -> None:
    seat = seats.Seat(tmp_path / "ledger-node")
    seat.folder.mkdir()
    script = seat.folder / "build.sh"
    script.write_text("#!/bin/sh\necho Node is missing >&2\nexit 3\n")
    script.chmod(0o755)
    with pytest.raises(StackError, match=r"(?s)ledger could not be built \(exit 3\).*Node is missing"):
        seat.build(tmp_path / "build.log")
