"""`minsu ops verify-audit`: every service is asked, to the end of its log; heads are written and read again."""

import pytest

from minsu import ops, ops_audit
from minsu.api import Api
from minsu.errors import CommandFailed
from minsu.ops_audit import Head
from tests.unit.minsu.conftest import ok

HEAD = {"seq": 12, "hash": "ab" * 32}


@pytest.fixture
def api(world):
    with Api("http://minsu", transport=world.transport) as api:
        yield api


def told(**members):
    return {"head": HEAD, "verifiedSeq": 12, "complete": True, "brokenSeq": None, "flaw": None} | members


def path(service):
    return f"/{service}/v1/ops/auditVerify"


def tell_all(world):
    for service in ops.WITH_ACTS:
        world.answers[path(service)] = lambda _: ok(told())


def test_every_service_is_asked_and_the_broken_row_named(world, api):
    tell_all(world)
    world.answers[path("payment")] = lambda _: ok(told(brokenSeq=7, verifiedSeq=6, flaw="missing"))
    found = {each["service"]: each for each in ops_audit.verify(api, {})}
    assert list(found) == [*ops.WITH_ACTS]
    assert found["payment"]["state"] == "broken at row 7: missing"
    assert found["order"] == {"service": "order", "rows": 12, "head": "ab" * 32, "state": "intact", "brokenSeq": None}
    assert [body for _, body, _ in world.asked] == [{}] * len(ops.WITH_ACTS)


def test_a_long_log_is_asked_for_to_its_end(world, api):
    tell_all(world)
    parts = {0: told(verifiedSeq=5, complete=False), 5: told(brokenSeq=9, verifiedSeq=8, flaw="changed")}
    world.answers[path("order")] = lambda body: ok(parts[body.get("afterSeq", 0)])
    [order] = [each for each in ops_audit.verify(api, {}) if each["service"] == "order"]
    assert order["state"] == "broken at row 9: changed"


def test_heads_that_were_written_are_read_and_asked_for(world, api):
    tell_all(world)
    world.answers[path("order")] = lambda _: ok(told(head={"seq": 0, "hash": "00" * 32}))
    written = ops_audit.written(ops_audit.verify(api, {}))
    assert written.splitlines()[:2] == ["order 0 " + "00" * 32, "payment 12 " + "ab" * 32]
    heads = ops_audit.read(written)
    assert heads["payment"] == Head(12, "ab" * 32)
    world.asked.clear()
    ops_audit.verify(api, heads)
    bodies = {asked: body for asked, body, _ in world.asked}
    assert bodies[path("payment")] == {"exportedSeq": 12, "exportedHash": "ab" * 32}
    assert bodies[path("order")] == {}, "an empty log has no row to look for"


@pytest.mark.parametrize("line", ["order", "order 1", "unknown 1 aa", "order x aa", "", "order 1 aa more"])
def test_what_is_no_exported_head_is_refused(line):
    with pytest.raises(CommandFailed) as failed:
        ops_audit.read(f"{line}\n")
    assert failed.value.hint
