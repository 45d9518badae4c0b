"""The gate of `make check`: what would break a client, a consumer or a peer of the last release is refused by its place."""

import json
import shutil

import pytest
import yaml

from tests.contract.compatibility import CONTRACTS, REPO, breaking, edited, lost, newest, release, tables, unaccepted
from tests.contract.gate import main, stamp_of

API, INNER = "openapi/notification.public.json", "openapi/notification.internal.json"
OPEN = "openapi/travel.public.json"
EVENT, ASYNCAPI, SERVICE = "events/paystatus-updated.v2.schema.json", "asyncapi.yaml", "services/notification.yaml"


@pytest.fixture
def contracts(tmp_path):
    """Released contracts of notification, and the same of now, to be changed."""
    for folder in ("released", "now"):
        for name in (API, INNER, OPEN, EVENT, ASYNCAPI, SERVICE, "problems.json"):
            place = tmp_path / folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CONTRACTS / name, place)
    return tmp_path


def change(file, edit):
    content = yaml.safe_load(file.read_text())
    edit(content)
    file.write_text(json.dumps(content, ensure_ascii=False))


def model(document, name):
    return document["components"]["schemas"][name]


def require(schema, member):
    schema["properties"][member] = {"type": "string"}
    schema.setdefault("required", []).append(member)


def drop(schema, member):
    del schema["properties"][member]
    schema["required"].remove(member)


def entry(entries, name):
    return next(each for each in entries if each.get("name", each.get("topic", each.get("slug"))) == name)


TASK = "/notification/v1/ops/taskDetail"
BREAKS = {
    "a path removed": (
        API,
        lambda d: d["paths"].pop(TASK),
        f"openapi/notification.public.json: POST {TASK}: API path removed without deprecation",
    ),
    "a member of a response removed": (
        API,
        lambda d: drop(model(d, "Resent"), "left"),
        "POST /notification/v1/ops/taskResendAll: removed the required property `data/left` from the response",
    ),
    "a type in a response changed": (
        API,
        lambda d: model(d, "Task")["properties"]["orderSn"].update(type="integer"),
        "the `data/task/orderSn` response's property `type` changed from `string` to `integer`",
    ),
    "a required member of a request added": (
        API,
        lambda d: require(model(d, "ResendRequest"), "colour"),
        "added the new required request property `colour`",
    ),
    "a bound of a request tightened": (
        API,
        lambda d: model(d, "TaskListRequest")["properties"]["pageSize"].update(maximum=50.0),
        "the `pageSize` request property's max was decreased to `50.00`",
    ),
    "a member of a request no longer taken": (
        API,
        lambda d: model(d, "TaskListRequest")["properties"].pop("cause"),
        "POST /notification/v1/ops/taskList: removed the request property `cause`",
    ),
    "a token needed from now on": (
        OPEN,
        lambda d: d["paths"]["/travel/v1/homestay/cityList"]["post"].update(security=[{"userToken": []}]),
        "openapi/travel.public.json: POST /travel/v1/homestay/cityList:",
    ),
    "a value of a request removed": (
        API,
        lambda d: model(d, "ResendRequest")["properties"]["state"]["enum"].remove("dead"),
        "removed the enum value `dead` of the request property `state`",
    ),
    "an internal method removed": (
        INNER,
        lambda d: d["paths"].pop("/internal/personalData"),
        "openapi/notification.internal.json: POST /internal/personalData: API path removed without deprecation",
    ),
    "a member of an event removed": (
        EVENT,
        lambda d: drop(d, "refundedFen"),
        "events/paystatus-updated.v2: removed the required property `refundedFen` from the response",
    ),
    "an optional member of an event removed": (
        EVENT,
        lambda d: d["properties"].pop("serviceType"),
        "events/paystatus-updated.v2: removed the optional property `serviceType` from the response",
    ),
    "a required member of an event added within a version": (
        EVENT,
        lambda d: require(d, "currency"),
        "events/paystatus-updated.v2: added the new required request property `currency`",
    ),
    "a member of an event no longer always there": (
        EVENT,
        lambda d: d["required"].remove("payTime"),
        "events/paystatus-updated.v2: the response property `payTime` became optional",
    ),
    "a type of an event tightened": (
        EVENT,
        lambda d: d["properties"]["totalFen"].update(maximum=100),
        "events/paystatus-updated.v2: the `totalFen` request property's max was set to `100.00`",
    ),
    "a pattern of an event changed": (
        EVENT,
        lambda d: d["properties"]["paymentSn"].update(pattern="^PMT\\d{24}$"),
        "events/paystatus-updated.v2: changed the pattern of the request property `paymentSn`",
    ),
    "a value of an event added, which consumers have to know first": (
        EVENT,
        lambda d: d["properties"]["payStatus"]["enum"].append(3),
        "events/paystatus-updated.v2: added the new `3.00` enum value to the `payStatus` response property",
    ),
    "a value of an event removed": (
        EVENT,
        lambda d: d["properties"]["payStatus"]["enum"].remove(2),
        "events/paystatus-updated.v2: removed the enum value `2.00` of the request property `payStatus`",
    ),
    "a topic's partitions changed": (
        ASYNCAPI,
        lambda d: d["channels"]["orderNights"]["bindings"]["kafka"].update(partitions=6),
        "asyncapi.yaml: channels.orderNights.bindings.kafka.partitions: 3 became 6",
    ),
    "a topic's key changed": (
        ASYNCAPI,
        lambda d: d["channels"]["orderNights"].update({"x-key": "homestayId"}),
        "asyncapi.yaml: channels.orderNights.x-key: 'orderSn' became 'homestayId'",
    ),
    "a message of a topic removed": (
        ASYNCAPI,
        lambda d: d["channels"]["paymentPaystatus"]["messages"].pop("paystatusUpdated"),
        "asyncapi.yaml: channels.paymentPaystatus.messages.paystatusUpdated: removed",
    ),
    "a subscription's dead letters moved": (
        SERVICE,
        lambda d: entry(d["subscriptions"], "order-update-refund-topic").update(deadLetterTopic="x-topic.x.dlq"),
        "subscriptions[order-update-refund-topic].deadLetterTopic: 'order-update-refund-topic.notification.dlq' became",
    ),
    "a caller shut out": (
        SERVICE,
        lambda d: d["callers"].pop("usercenter"),
        "services/notification.yaml: callers.usercenter: removed",
    ),
    "a variable that is needed from now on": (
        SERVICE,
        lambda d: d["environment"].append({"name": "NOTIFICATION_COLOUR", "required": True}),
        "services/notification.yaml: environment[NOTIFICATION_COLOUR]: required now",
    ),
    "an optional variable that is needed from now on": (
        SERVICE,
        lambda d: entry(d["environment"], "NOTIFICATION_PAGE").update(required=True),
        "services/notification.yaml: environment[NOTIFICATION_PAGE].required: False became True",
    ),
    "a problem's status changed": (
        "problems.json",
        lambda d: entry(d, "notification-task-not-found").update(status=410),
        "problems.json[notification-task-not-found]: status: 404 became 410",
    ),
}


@pytest.mark.parametrize(("name", "edit", "said"), BREAKS.values(), ids=BREAKS)
def test_what_breaks_others_is_refused_by_its_place(contracts, name, edit, said):
    change(contracts / "now" / name, edit)

    found = list(breaking(contracts / "released", contracts / "now"))

    assert [each for each in found if said in each], found


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "  attempts INTEGER DEFAULT '0' NOT NULL,\n",
            "",
            "notification_task.attempts: INTEGER DEFAULT '0' NOT NULL became nothing",
        ),
        ("  cause TEXT,\n", "  cause INTEGER,\n", "notification_task.cause: TEXT became INTEGER"),
        ("  cause TEXT,\n", "  cause TEXT,\n  colour TEXT NOT NULL,\n", "notification_task.colour: required now"),
        ("  cause TEXT,\n", "  cause TEXT,\n  colour TEXT DEFAULT '' NOT NULL,\n  size INTEGER,\n", None),
    ],
)
def test_a_column_that_others_write_stays_and_a_new_one_takes_rows_without_it(tmp_path, before, after, said):
    text = (CONTRACTS / "tables" / "notification.sql").read_text()
    assert before in text
    for folder, content in (("released", text), ("now", text.replace(before, after, 1))):
        (tmp_path / folder / "tables").mkdir(parents=True)
        (tmp_path / folder / "tables" / "notification.sql").write_text(content)

    found = list(tables(tmp_path / "released", tmp_path / "now"))

    assert found == ([f"tables/notification.sql: {said}"] if said else [])


def test_a_document_that_is_gone_is_refused(contracts):
    for name in (API, EVENT, SERVICE):
        (contracts / "now" / name).unlink()

    assert list(breaking(contracts / "released", contracts / "now")) == [
        f"{API}: removed",
        "events/paystatus-updated.v2: removed",
        f"{SERVICE}: removed",
    ]


def test_what_is_added_passes(contracts):
    now = contracts / "now"

    def more(document):
        document["paths"]["/notification/v1/ops/more"] = document["paths"][TASK] | {}
        document["paths"]["/notification/v1/ops/more"]["post"] |= {"operationId": "more"}
        model(document, "Task")["properties"]["colour"] = {"type": "string"}
        model(document, "TaskListRequest")["properties"]["colour"] = {"type": "string"}
        model(document, "TaskListRequest")["properties"]["pageSize"]["maximum"] = 200.0

    change(now / API, more)
    change(now / EVENT, lambda d: d["properties"].update(colour={"type": "string"}))
    shutil.copyfile(now / EVENT, now / "events/paystatus-updated.v3.schema.json")
    change(now / ASYNCAPI, lambda d: d["operations"].update({"ledger.onPaystatus": {"action": "receive"}}))
    change(now / ASYNCAPI, lambda d: d["channels"]["orderNights"].update(description="in other words"))
    change(now / SERVICE, lambda d: d["environment"].append({"name": "NOTIFICATION_COLOUR", "required": False}))
    change(now / SERVICE, lambda d: entry(d["jobs"], "notification-due").update(does="in other words"))
    change(now / "problems.json", lambda d: d.append(d[0] | {"slug": "another"}))

    assert list(breaking(contracts / "released", now)) == []


def test_loosening_a_requirement_passes():
    before = {"environment": [{"name": "A", "required": True}]}

    assert list(lost(before, {"environment": [{"name": "A", "required": False}]}, "x")) == []
    assert list(lost(before, {"environment": []}, "x")) == ["x: environment[A]: removed"]


def accepted(contracts, *lines):
    (contracts / "accepted.yaml").write_text(yaml.safe_dump({"changes": list(lines)}))


def test_a_change_that_is_meant_is_accepted_with_its_reason_and_nothing_else_is(tmp_path):
    (tmp_path / "released" / "0.9.0").mkdir(parents=True)
    (tmp_path / "released" / "0.10.0").mkdir()

    def changes(released, now):
        assert (released.name, now) == ("0.10.0", tmp_path)
        yield from ("a: removed", "b: removed", "a: removed")

    accepted(tmp_path, {"change": "a: removed", "reason": "no consumer has read it since 0.8"})
    assert list(unaccepted(tmp_path, changes))[1:] == ["  b: removed"]
    accepted(tmp_path, *({"change": f"{each}: removed", "reason": "no consumer"} for each in "ab"))
    assert list(unaccepted(tmp_path, changes)) == []
    accepted(tmp_path, *({"change": f"{each}: removed", "reason": "no consumer"} for each in "abc"))
    assert list(unaccepted(tmp_path, changes)) == [
        "contracts/accepted.yaml names what is no breaking change:",
        "  c: removed",
    ]
    accepted(tmp_path, {"change": "a: removed", "reason": ""}, {"change": "b: removed", "reason": "no consumer"})
    assert "  a: removed" in list(unaccepted(tmp_path, changes))


def test_a_release_keeps_the_contracts_of_its_day_and_never_changes(tmp_path):
    (tmp_path / "released" / "0.9.0").mkdir(parents=True)
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.v1.schema.json").write_text("{}")
    (tmp_path / "accepted.yaml").write_text("# Why.\nchanges:\n- { change: a, reason: b }\n")

    kept = release("0.10.0", tmp_path)
    assert sorted(path.name for path in kept.rglob("*")) == ["SHA256SUMS", "a.v1.schema.json", "events"]
    assert edited(kept) == []
    (kept / "events" / "a.v1.schema.json").write_text("{ }")
    (kept / "more").touch()
    assert edited(kept) == ["events/a.v1.schema.json", "more"]
    assert newest(tmp_path).name == "0.10.0"
    assert (tmp_path / "accepted.yaml").read_text() == "# Why.\nchanges: []\n"
    with pytest.raises(FileExistsError, match="what was released never changes"):
        release("0.10.0", tmp_path)
    with pytest.raises(ValueError, match="is not newer than"):
        release("0.9.9", tmp_path)


@pytest.mark.parametrize("folder", sorted((CONTRACTS / "released").iterdir()), ids=lambda folder: folder.name)
def test_what_was_released_is_as_it_was(folder):
    assert edited(folder) == []


def test_the_contracts_of_now_break_nothing():
    assert list(unaccepted()) == []


def test_a_check_that_passed_is_not_run_again_until_its_files_change(tmp_path, capsys):
    for name in (
        "contracts/a.json",
        "tools/contracts/x",
        "tools/contracts/package.json",
        "versions.env",
        "tests/contract/c.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    for name in (
        "versions.env",
        "tools/contracts/package.json",
        "tools/contracts/package-lock.json",
        "tools/contracts/.npmrc",
    ):
        shutil.copyfile(REPO / name, tmp_path / name)
    (tmp_path / ".tools").symlink_to(REPO / ".tools")
    runs = []

    def check():
        runs.append(1)
        return ["it is wrong"] if len(runs) == 1 else []

    try:
        assert (main("c", check, tmp_path), main("c", check, tmp_path), main("c", check, tmp_path)) == (1, 0, 0)
        assert (len(runs), capsys.readouterr().out) == (2, "it is wrong\n")
        before = stamp_of("c", tmp_path)
        (tmp_path / "contracts/a.json").write_text("2")
        assert stamp_of("c", tmp_path) != before
    finally:
        before.unlink()
