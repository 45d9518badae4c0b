"""What payment holds of a person: told, erased, forgotten by its age. The books stay to the fen."""

import json

from sqlalchemy import text

from servicekit.testing import SIDECAR_HEADERS, called_by
from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    ask,
    end,
    in_state,
    settled_payment,
)
from tests.service.payment.support import BUYER, ORDER
from tests.service.payment.wechat import OPENID

PERSON = {"userId": BUYER, "orderSns": [ORDER]}
ERASE = PERSON | {"operatorId": 9, "note": "asked by letter"}


async def inside(service, path, body):
    answer = await service.http.post(f"/internal/{path}", json=body, headers=called_by("usercenter"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def tick(service):
    answer = await service.http.post("/jobs/payment-forget-personal-data", headers=SIDECAR_HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()["claimed"]


async def books(service):
    """Payments and refunds without what is personal."""
    personal = {"request", "reason", "updated_at"}
    rows = [*await service.payments(), *await service.rows("refund order by id")]
    return [{name: value for name, value in row.items() if name not in personal} for row in rows]


async def refunded(service, paid):
    await ask(service, paid, reason="家里有急事")
    [refund] = await in_state(service, "accepted")
    await end(service, refund["sn"], "SUCCESS")
    await in_state(service, "succeeded")


async def noticed(service, paid, state):
    async with service.db.transaction() as tx:
        await tx.execute(
            text(
                "insert into provider_notice (out_trade_no, reason, detail, source, state, seen, created_at)"
                " values (:sn, :state, 'WeChat says payer oOther, ours is oOurs', 'callback', :state, 1, :now)"
            ),
            {"sn": paid, "state": state, "now": service.clock()},
        )


async def test_a_person_is_told_their_payments_and_refunds(service, paid):
    await refunded(service, paid)
    await noticed(service, paid, "resolved")
    held = (await inside(service, "personalData", PERSON))["held"]
    [payment] = held["payments"]
    assert (payment["sn"], payment["total_fen"], payment["refunded_fen"], payment["openid"]) == (
        paid,
        19900,
        19900,
        OPENID,
    )
    [refund] = held["refunds"]
    assert (refund["reason"], refund["refund_fen"], refund["state"]) == ("家里有急事", 19900, "succeeded")
    assert [notice["detail"] for notice in held["notices"]] == ["WeChat says payer oOther, ours is oOurs"]
    nothing = {"payments": [], "refunds": [], "notices": []}
    assert (await inside(service, "personalData", {"userId": BUYER}))["held"] == nothing


async def test_erasing_takes_payer_and_reasons_and_leaves_the_books(service, paid):
    await refunded(service, paid)
    await noticed(service, paid, "resolved")
    await noticed(service, paid, "needs_review")
    before = await books(service)
    assert await inside(service, "erasePersonalData", ERASE) == {
        "rows": {"payments": 1, "refunds": 1, "notices": 1},
        "openOrders": [],
    }
    [payment] = await service.payments()
    [refund] = await service.rows("refund")
    assert "payer" not in json.loads(payment["request"])
    assert json.loads(payment["request"])["amount"] == {"total": 19900, "currency": "CNY"}
    assert refund["reason"] == ""
    assert "reason" not in json.loads(refund["request"])
    assert [row["detail"] for row in await service.rows("provider_notice order by id")] == [
        "",
        "WeChat says payer oOther, ours is oOurs",
    ]
    assert await books(service) == before
    again = await inside(service, "erasePersonalData", ERASE)
    assert again["rows"] == {"payments": 0, "refunds": 0, "notices": 0}
    acts = [(row["operator_id"], row["act"], row["subject"]) for row in await service.rows("operator_act order by id")]
    assert acts == [(9, "personal-data-erase", f"user:{BUYER}")] * 2


async def test_an_open_payments_request_stays_for_it_is_sent_again(service):
    await service.prepaid()
    assert (await inside(service, "erasePersonalData", ERASE))["rows"]["payments"] == 0
    service.clock.pass_by(days=31)
    assert await tick(service) == 0
    [payment] = await service.payments()
    assert json.loads(payment["request"])["payer"] == {"openid": OPENID}


async def test_wechats_verdict_that_comes_again_after_the_payer_is_forgotten_changes_nothing(service, paid):
    await inside(service, "erasePersonalData", ERASE)
    before = await service.payments()
    answer = await service.deliver(*service.wechat.notification(paid))
    assert answer.status_code == 204
    assert await service.payments() == before
    assert await service.rows("provider_notice") == []


async def test_payers_are_forgotten_after_thirty_days_and_reasons_after_three_years(service, paid):
    await refunded(service, paid)
    await noticed(service, paid, "resolved")
    before = await books(service)
    service.clock.pass_by(days=29)
    assert await tick(service) == 0
    service.clock.pass_by(days=2)
    assert await tick(service) == 1
    [payment] = await service.payments()
    [refund] = await service.rows("refund")
    assert ("payer" in json.loads(payment["request"]), refund["reason"]) == (False, "家里有急事")
    service.clock.pass_by(days=1096)
    assert await tick(service) == 2
    [refund] = await service.rows("refund")
    assert refund["reason"] == ""
    assert [row["detail"] for row in await service.rows("provider_notice")] == [""]
    assert await books(service) == before
    assert await tick(service) == 0


async def test_a_bills_line_is_forgotten_once_its_difference_has_ended(service):
    async with service.db.transaction() as tx:
        for number, outcome in (("1", "open"), ("2", "review")):
            await tx.execute(
                text(
                    "insert into reconciliation_difference (bill_date, kind, subject, number, payment_sn, line, outcome,"
                    " found_at) values ('2026-11-22', 'unreadable', 'line', :number, '', cast(:line as jsonb), :outcome,"
                    " :now)"
                ),
                {"number": number, "outcome": outcome, "now": service.clock(), "line": '{"text": "oPayer"}'},
            )
    service.clock.pass_by(days=1097)
    assert await tick(service) == 1
    lines = [row["line"] for row in await service.rows("reconciliation_difference order by number")]
    assert lines == [{"text": "oPayer"}, None]
