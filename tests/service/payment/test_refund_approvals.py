"""Four eyes: above a limit a refund goes elsewhere only when a second operator approves what the first asked for."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from servicekit.clock import unix, utc_now
from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    ask,
    end,
    in_state,
    settled_payment,
)
from tests.service.payment.support import OPERATOR

SECOND = 10
CARD = {"bankType": "ICBC_DEBIT", "bankAccount": "6222020200112233445", "realName": "张小明"}
OTHER = CARD | {"bankAccount": "6222020200998877665"}


@pytest.fixture
async def service(serve):
    """The refund of these tests, 19900 fen, is one above the limit."""
    async with serve(four_eyes_fen=19_899) as service:
        yield service


@pytest.fixture
async def abnormal(service, wechat, paid):
    await ask(service, paid)
    [refund] = await in_state(service, "accepted")
    await end(service, refund["sn"], "ABNORMAL")
    wechat.requests.clear()
    return refund["sn"]


async def wanted(desk, sn, card=CARD, note="the old card is closed"):
    """The id of a request."""
    answer = await desk("refundSendElsewhere", {"refundSn": sn, "card": card, "note": note})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["sentElsewhereAt"] is None
    return answer.json()["data"]["approvalId"]


def second(service, name, approval, note="checked with the buyer", by=SECOND):
    return service.desk(name, {"id": approval, "note": note}, by=by)


async def everything(service):
    return [
        list(await service.rows(each))
        for each in ("refund", "refund_approval", "operator_act order by id", "refund_transition")
    ]


async def test_above_the_limit_nothing_is_sent_and_no_card_can_be_read(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal, note="buyer's old card is closed")

    assert wechat.requests == []
    [row] = await service.rows("refund_approval")
    assert (row["id"], row["refund_sn"], row["refund_fen"], row["state"]) == (approval, abnormal, 19900, "wanted")
    assert (row["bank_type"], row["account_tail"], row["requested_by"]) == ("ICBC_DEBIT", "3445", OPERATOR)
    assert row["expires_at"] - row["requested_at"] == timedelta(days=1)
    kept = str(await everything(service))
    assert "6222020200112233445" not in kept
    assert "张小明" not in kept
    [act] = await service.rows("operator_act")
    assert (act["operator_id"], act["act"], act["subject"], act["note"]) == (
        OPERATOR,
        "want-refund-elsewhere",
        f"refund:{abnormal}",
        f"approval {approval}, a card of ICBC_DEBIT that ends in 3445: buyer's old card is closed",
    )


async def test_a_second_operator_sends_exactly_what_was_asked_for(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    [before] = await service.rows("refund_approval")

    answer = await second(service, "refundApprove", approval)

    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["sentElsewhereAt"] is not None
    assert wechat.sent_elsewhere == [
        {
            "out_refund_no": abnormal,
            "type": "USER_BANK_CARD",
            "bank_type": "ICBC_DEBIT",
            "bank_account": "6222020200112233445",
            "real_name": "张小明",
        }
    ]
    assert wechat.requests[-1].content.decode() == before["request"]
    [row] = await service.rows("refund_approval")
    assert (row["state"], row["decided_by"], row["request"]) == ("approved", SECOND, None)
    acts = [(act["operator_id"], act["act"]) for act in await service.rows("operator_act order by id")]
    assert acts == [(OPERATOR, "want-refund-elsewhere"), (SECOND, "approve-refund-elsewhere")]
    await end(service, abnormal, "SUCCESS")
    await in_state(service, "succeeded")


async def test_up_to_the_limit_one_operator_is_enough(serve, wechat):
    async with serve(four_eyes_fen=19_900) as service:
        await ask(service, await service.settled())
        [refund] = await in_state(service, "accepted")
        await end(service, refund["sn"], "ABNORMAL")
        answer = await service.desk("refundSendElsewhere", {"refundSn": refund["sn"], "card": CARD, "note": "small"})
        assert answer.json()["data"]["approvalId"] is None
        assert len(wechat.sent_elsewhere) == 1
        assert await service.rows("refund_approval") == []


@pytest.fixture
async def parts(serve):
    """A service with a limit of 12,000 fen, and three abnormal refunds of 6,000 each."""
    async with serve(four_eyes_fen=12_000) as service:
        payment = await service.settled()
        for number in (1, 2, 3):
            await ask(service, payment, fen=6_000, number=number)
        found = await in_state(service, "accepted", "accepted", "accepted")
        for refund in found:
            await end(service, refund["sn"], "ABNORMAL")
        yield service, [refund["sn"] for refund in found]


async def sent(service, sn, by=OPERATOR):
    answer = await service.desk("refundSendElsewhere", {"refundSn": sn, "card": CARD, "note": "a part"}, by=by)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["approvalId"]


async def test_a_large_amount_in_parts_takes_two_operators_as_well(parts, wechat):
    service, numbers = parts
    assert [await sent(service, sn) for sn in numbers[:2]] == [None, None]
    approval = await sent(service, numbers[2])
    assert approval is not None
    assert [each["out_refund_no"] for each in wechat.sent_elsewhere] == numbers[:2]
    assert (await second(service, "refundApprove", approval)).status_code == 200
    assert [each["out_refund_no"] for each in wechat.sent_elsewhere] == numbers


async def test_what_another_operator_sent_does_not_count(parts, wechat):
    service, numbers = parts
    assert [await sent(service, sn, by) for sn, by in zip(numbers[:2], (OPERATOR, SECOND), strict=True)] == [None, None]
    assert await sent(service, numbers[2]) is None
    assert [each["out_refund_no"] for each in wechat.sent_elsewhere] == numbers


async def test_parts_that_come_together_are_added_up_too(parts, wechat):
    service, numbers = parts
    waiting = await asyncio.gather(*(sent(service, sn) for sn in numbers))
    assert sum(each is None for each in waiting) == 2
    assert len(wechat.sent_elsewhere) == 2


async def test_a_day_later_the_count_begins_anew(parts, wechat):
    service, numbers = parts
    assert [await sent(service, sn) for sn in numbers[:2]] == [None, None]
    service.clock.pass_by(hours=24, minutes=1)
    assert await sent(service, numbers[2]) is None
    assert len(wechat.sent_elsewhere) == 3


async def test_to_the_merchants_own_account_it_takes_two_as_well(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal, card=None)
    assert wechat.sent_elsewhere == []
    assert (await second(service, "refundApprove", approval)).status_code == 200
    assert wechat.sent_elsewhere == [{"out_refund_no": abnormal, "type": "MERCHANT_BANK_CARD"}]


async def test_who_asked_cannot_approve(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    before = await everything(service)
    answer = await second(service, "refundApprove", approval, by=OPERATOR)
    assert (answer.status_code, answer.json()["code"]) == (403, 104031)
    assert (await everything(service), wechat.requests) == (before, [])


async def test_while_one_waits_no_other_account_can_be_slipped_in(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    before = await everything(service)
    answer = await desk("refundSendElsewhere", {"refundSn": abnormal, "card": OTHER, "note": "another"})
    assert (answer.status_code, answer.json()["code"]) == (409, 104033)
    assert await everything(service) == before
    assert (await second(service, "refundApprove", approval)).status_code == 200
    assert [each["bank_account"] for each in wechat.sent_elsewhere] == [CARD["bankAccount"]]


@pytest.mark.parametrize(
    "change",
    [
        "request = '{}'",
        "refund_fen = 1",
        "account_tail = '7665'",
        "serial = 'x'",
        "requested_by = 10",
        "expires_at = now() + interval '9 days'",
        "refund_sn = refund_sn || 'x'",
        "state = 'approved', decided_by = 9, decided_at = now()",
    ],
)
async def test_the_database_refuses_a_change_of_what_waits(service, desk, db, abnormal, change):
    await wanted(desk, abnormal)
    before = await service.rows("refund_approval")
    with pytest.raises(DBAPIError):
        async with db.transaction() as tx:
            await tx.execute(text(f"update refund_approval set {change}"))  # noqa: S608 - of the list above
    assert await service.rows("refund_approval") == before


async def test_of_many_approvals_at_once_one_sends(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    answers = await asyncio.gather(*(second(service, "refundApprove", approval, by=10 + n) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {104032}
    assert len(wechat.sent_elsewhere) == 1


async def test_a_declined_one_sends_nothing_and_another_may_be_asked_for(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    answer = await second(service, "refundDecline", approval, "the buyer names another card")
    assert (answer.json()["data"]["state"], wechat.requests) == ("declined", [])
    again = await second(service, "refundApprove", approval, by=11)
    assert (again.status_code, again.json()["code"]) == (409, 104032)
    other = await wanted(desk, abnormal, card=OTHER)
    assert (await second(service, "refundApprove", other)).status_code == 200
    assert [each["bank_account"] for each in wechat.sent_elsewhere] == [OTHER["bankAccount"]]


async def test_who_asked_takes_it_back(service, desk, abnormal):
    approval = await wanted(desk, abnormal)
    assert (await second(service, "refundDecline", approval, by=OPERATOR)).status_code == 200
    assert [row["state"] for row in await service.rows("refund_approval")] == ["declined"]


async def test_after_a_day_it_has_expired_and_may_be_asked_for_anew(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    service.clock.pass_by(hours=24)
    for name in ("refundApprove", "refundDecline"):
        late = await second(service, name, approval)
        assert (late.status_code, late.json()["code"]) == (409, 104032)
    assert wechat.requests == []
    await wanted(desk, abnormal)
    rows = await service.rows("refund_approval order by id")
    assert [(row["state"], row["request"] is None) for row in rows] == [("expired", True), ("wanted", False)]


async def test_when_wechat_refuses_the_approval_is_used_up_and_the_way_is_open(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    wechat.fail_with = [httpx.Response(400, json={"code": "PARAM_ERROR", "message": "银行卡号错误"})]
    answer = await second(service, "refundApprove", approval)
    assert (answer.status_code, answer.json()["code"]) == (409, 104023)
    assert [row["sent_elsewhere_at"] for row in await service.rows("refund")] == [None]
    assert [row["state"] for row in await service.rows("refund_approval")] == ["approved"]
    await wanted(desk, abnormal, card=OTHER)


async def test_what_ended_meanwhile_is_not_sent_again(service, desk, wechat, abnormal):
    approval = await wanted(desk, abnormal)
    await end(service, abnormal, "SUCCESS")
    await in_state(service, "succeeded")
    before = await everything(service)
    answer = await second(service, "refundApprove", approval)
    assert (answer.status_code, answer.json()["code"]) == (409, 104019)
    assert (await everything(service), wechat.sent_elsewhere) == (before, [])


async def test_a_refund_of_another_amount_is_not_what_was_asked_for(service, desk, wechat, db, abnormal):
    approval = await wanted(desk, abnormal)
    async with db.transaction() as tx:
        await tx.execute(text("update refund set refund_fen = 19901"))
    before = await everything(service)
    answer = await second(service, "refundApprove", approval)
    assert (answer.status_code, answer.json()["code"]) == (409, 104012)
    assert (await everything(service), wechat.requests) == (before, [])


async def test_requests_are_listed_newest_first_and_by_state(service, desk, abnormal):
    approval = await wanted(desk, abnormal, note="why")
    [shown] = (await desk("refundApprovalList", {"state": "wanted"})).json()["data"]["list"]
    assert (shown["id"], shown["refundSn"], shown["refundFen"], shown["accountTail"]) == (
        approval,
        abnormal,
        19900,
        "3445",
    )
    assert (shown["requestedBy"], shown["note"], shown["decidedBy"]) == (OPERATOR, "why", None)
    assert "request" not in shown
    assert (await desk("refundApprovalList", {"state": "approved"})).json()["data"]["list"] == []
    assert (await desk("refundApprovalList", {"lastId": approval})).json()["data"]["list"] == []


@pytest.mark.parametrize("name", ["refundApprove", "refundDecline"])
async def test_an_unknown_one_is_said_to_be(service, abnormal, name):
    answer = await second(service, name, 2**40)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, 104030, "id")


@pytest.mark.parametrize("name", ["refundApprove", "refundDecline", "refundApprovalList"])
async def test_only_operators_may(desk, name):
    assert (await desk(name, {"id": 1, "note": "x"}, "buyer", "merchant")).status_code == 403


OLD = [
    ("refundSendElsewhere", {"refundSn": "RFD1", "card": None, "note": "x"}),
    ("refundApprove", {"id": 1, "note": "x"}),
]
OLD += [("refundBeginAgain", {"refundSn": "RFD1", "note": "x"})]
OLD += [("payout", {"date": "2026-11-22", "note": "x"}), ("reconcile", {"note": "x"})]


@pytest.mark.parametrize(("name", "body"), OLD)
async def test_an_act_on_money_wants_a_proof_of_the_last_ten_minutes(service, wechat, name, body, tokens):
    headers = tokens.bearer(OPERATOR, "operator", auth_time=unix(utc_now()) - 601)
    before = await everything(service)
    answer = await service.http.post(f"/payment/v1/ops/{name}", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["type"]) == (
        403,
        100130,
        "/problems/reauthentication-required",
    )
    assert (await everything(service), wechat.requests) == (before, [])
