"""What operators see of payments: WeChat's words that did not fit, and saying that one is dealt with."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from servicekit import migrate
from servicekit.clock import SHANGHAI
from tests.service.payment.support import OPERATOR, parts_of
from tests.support.async_waiting import eventually
from tests.support.postgres import as_owner


@pytest.fixture
async def notice(service, wechat):
    """One callback of WeChat that does not fit; its payment's number."""
    paid = await service.paid()
    transaction = wechat.transaction(paid)
    transaction["amount"]["total"] += 1
    assert (await service.deliver(*wechat.callback(transaction))).status_code == 204
    return paid


async def test_a_notice_is_listed_and_resolved_once_with_who_when_and_why(service, desk, notice):
    [shown] = (await desk("noticeList", {"state": "needs_review"})).json()["data"]["list"]
    assert (shown["outTradeNo"], shown["reason"], shown["totalFen"]) == (notice, "amount", 19901)
    assert (shown["note"], shown["resolvedBy"], shown["resolvedAt"], shown["seen"]) == (None, None, None, 1)
    assert shown["refundCause"] is None
    before = [dict(row) for row in await service.payments()]

    answer = await desk("noticeResolve", {"id": shown["id"], "note": "asked WeChat: a test of theirs"})

    resolved = answer.json()["data"]
    assert (resolved["state"], resolved["resolvedBy"]) == ("resolved", OPERATOR)
    assert resolved["note"] == "asked WeChat: a test of theirs"
    assert (await desk("noticeList", {"state": "needs_review"})).json()["data"]["list"] == []
    assert (await desk("noticeList", {})).json()["data"]["list"] == [resolved]
    assert [dict(row) for row in await service.payments()] == before

    again = await desk("noticeResolve", {"id": shown["id"], "note": "again"})
    assert (again.status_code, again.json()["code"]) == (409, 104015)
    [act] = await service.rows("operator_act")
    assert (act["operator_id"], act["act"], act["subject"]) == (OPERATOR, "resolve", f"notice:{shown['id']}")


async def test_what_needs_review_is_measured(desk, db, notice):
    def waiting():
        return REGISTRY.get_sample_value("payment_notices_open", {"reason": "amount"})

    reviews = parts_of(db).reviews
    await reviews.measure()
    assert waiting() == 1

    await desk("noticeResolve", {"id": 1, "note": "a test of theirs"})
    await reviews.measure()
    assert waiting() == 0


async def test_two_operators_at_once_resolve_it_once(service, desk, notice):
    answers = await asyncio.gather(*(desk("noticeResolve", {"id": 1, "note": "n"}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert len(await service.rows("operator_act")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [({"id": 1}, 422), ({"id": 1, "note": " "}, 422), ({"id": "1", "note": "n"}, 422), ({"id": 5, "note": "n"}, 404)],
)
async def test_a_wrong_resolution_is_refused_and_changes_nothing(service, desk, notice, body, status):
    assert (await desk("noticeResolve", body)).status_code == status
    assert [row["state"] for row in await service.rows("provider_notice")] == ["needs_review"]
    assert await service.rows("operator_act") == []


@pytest.mark.parametrize("name", ["noticeList", "noticeResolve", "deadLetterList", "outboxStatus", "reconcile"])
async def test_only_operators_may(desk, notice, name):
    assert (await desk(name, {"id": 1, "note": "n"}, "buyer", "merchant")).status_code == 403


async def test_the_outbox_is_told_of(desk, db):
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "insert into outbox (event_id, topic, partition_key, event) values ('e', 't', 'k', '{\"type\": \"x\"}')"
            )
        )
    assert (await desk("outboxStatus", {})).json()["data"]["waiting"] == 1


async def test_the_migrations_make_what_the_models_say(database_url):
    await asyncio.to_thread(migrate.check, "payment", as_owner(database_url))


def day(before):
    return str((datetime.now(UTC) - timedelta(days=before)).astimezone(SHANGHAI).date())


async def test_a_reconciliation_is_asked_for_and_says_why_it_is_not_through(service, desk, wechat):
    yesterday = day(before=1)
    wechat.fail_with += [httpx.Response(400, json={"code": "STATEMENT_CREATING", "message": "账单生成中"})]
    asked = (await desk("reconcile", {"date": yesterday, "note": "why"})).json()["data"]
    assert (asked["date"], asked["state"], asked["payments"]) == (yesterday, "wanted", None)

    async def problem():
        return (await desk("reconciliationRun", {"date": yesterday})).json()["data"]["problem"]

    assert (await eventually(problem, what="the reason")).startswith("not ready: ")
    [act] = await service.rows("operator_act")
    assert (act["operator_id"], act["act"], act["subject"]) == (OPERATOR, "reconcile", f"day:{yesterday}")
    assert (await desk("reconciliationList", {"date": yesterday})).json()["data"] == {"list": []}


@pytest.mark.parametrize(
    "absurd",
    [
        "2026-11-31",
        "yesterday",
        20261122,
        "1999-01-01",
        "2026-11-22T00:00:00",
        "２026-11-22",
        "2020-01-01",
        "2099-01-01",
    ],
)
async def test_a_day_that_is_none_is_refused_and_nothing_is_wanted(service, desk, absurd):
    refused = await desk("reconcile", {"date": absurd, "note": "why"})
    assert (refused.status_code, refused.json()["field"]) == (422, "date")
    assert await service.rows("reconciliation") == []


async def test_a_day_without_a_reconciliation_is_reported(desk):
    answer = await desk("reconciliationRun", {"date": "2026-11-22"})
    assert (answer.status_code, answer.json()["code"]) == (404, 104016)


async def test_cron_writes_the_day_down_and_answers_at_once(service):
    answer = await service.job("daily-reconciliation")
    assert (answer.status_code, answer.json()) == (200, {"claimed": 1})
    assert len(await service.rows("reconciliation")) == 1
    assert (await service.job("daily-reconciliation")).json() == {"claimed": 0}
