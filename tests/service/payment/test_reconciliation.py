"""The day's bill against the ledger: each kind of difference with its repair, and nothing twice."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payment.daily.bill_comparison import AlreadyRunning, AnotherDaysBill, comparison
from payment.daily.report import _line
from payment.ledger.payments import Settlement
from payment.wechat.bills import BillNotReady, NoBill
from payment.wechat.errors import BadBill
from tests.service.payment import bill as bills
from tests.service.payment.books import DAY, NOW, OURS, World
from tests.service.payment.support import MERCHANT, rows
from tests.service.payment.wechat import APPID, MCHID


@pytest.fixture
def world(db):
    return World(db)


async def test_books_that_agree_have_no_difference(world):
    one, two = await world.payment(1), await world.payment(2, status=2, fen=5000)
    back = await world.refund(1, two, fen=5000)
    await world.run(
        bills.sale(one, 19900, "T1", **OURS),
        bills.sale(two, 5000, "T2", **OURS),
        bills.refund(two, back, 5000, "R1", "T2", state="SUCCESS", **OURS),
    )
    assert await world.found() == []
    [run] = await rows(world.db, "reconciliation")
    figures = (run["payments"], run["payments_fen"], run["refunds"], run["refunds_fen"], str(run["fee_yuan"]))
    assert figures == (2, 24900, 1, 5000, "0.11940")
    assert (run["state"], run["has_bill"]) == ("done", True)


async def test_a_payment_that_no_callback_told_of_is_settled_and_the_order_hears_of_it(world):
    number = await world.payment(1, status=0)
    world.wechat.paid(number, 19900, "T1")
    await world.run(bills.sale(number, 19900, "T1", **OURS))
    assert await world.found() == [("state", "payment", number, "settle", "settled")]
    [payment] = await rows(world.db, "third_payment")
    assert (payment["pay_status"], payment["transaction_id"], payment["version"]) == (1, "T1", 3)
    assert payment["pay_time"] == datetime(2026, 11, 22, 2, tzinfo=UTC)
    [transition] = await rows(world.db, "payment_transition")
    assert transition["source"] == "bill"
    [event] = await rows(world.db, "outbox")
    assert event["event"]["data"]["payStatus"] == 1


async def test_a_payment_that_was_closed_here_and_paid_there_leads_to_the_orders_refund(world):
    number = await world.payment(1, status=-1)
    world.wechat.paid(number, 19900, "T1")
    await world.run(bills.sale(number, 19900, "T1", **OURS))
    assert await world.found() == [("state", "payment", number, "settle; the order asks for its refund", "settled")]
    assert len(await rows(world.db, "outbox")) == 1


async def test_what_we_do_not_know_is_flagged_for_review(world):
    await world.run(
        bills.sale("PMT2026112210000099999999", 100, "T9", **OURS),
        bills.refund("PMT2026112210000099999999", "RFD9", 50, "R9", "T9", state="SUCCESS", **OURS),
    )
    assert await world.found() == [
        ("missing_here", "payment", "PMT2026112210000099999999", "note", "review"),
        ("missing_here", "refund", "RFD9", "note", "review"),
    ]
    notices = await rows(world.db, "provider_notice")
    assert [(notice["reason"], notice["source"]) for notice in notices] == [
        ("unknown_number", "bill"),
        ("refund_unknown", "bill"),
    ]
    assert await rows(world.db, "outbox") == []


async def test_what_wechat_need_not_be_asked_about_is_flagged_in_one_transaction(world):
    for n in range(1, 31):
        await world.payment(n)
    await world.run()
    assert [each[-2:] for each in await world.found()] == [("note", "review")] * 30
    async with world.db.read() as session:
        writers = text("select count(distinct xmin::text), count(*) from provider_notice")
        assert tuple((await session.execute(writers)).one()) == (1, 30)


async def test_one_that_cannot_be_flagged_leaves_the_others_flagged(world, tables):
    refused, *others = [await world.payment(n) for n in range(1, 6)]
    tables.execute(
        f"alter table provider_notice add constraint no_such_number check (out_trade_no <> '{refused}') not valid"
    )
    try:
        with pytest.raises(IntegrityError):
            await world.run()
    finally:
        tables.execute("alter table provider_notice drop constraint no_such_number")
    found = {number: outcome for _, _, number, _, outcome in await world.found()}
    assert found == {refused: "open"} | dict.fromkeys(others, "review")
    assert {notice["out_trade_no"] for notice in await rows(world.db, "provider_notice")} == set(others)


async def test_what_the_bill_does_not_have_is_flagged_for_review_and_no_payment_of_another_day(world):
    ours = await world.payment(1)
    await world.payment(2, at="2026-11-21 15:59:59+00")  # 23:59:59 of the day before, in Shanghai
    await world.payment(3, at="2026-11-22 16:00:00+00")  # midnight
    await world.payment(4, status=0)
    last = await world.payment(5, at="2026-11-22 15:59:59+00")
    await world.run()
    assert await world.found() == [
        ("missing_there", "payment", ours, "note", "review"),
        ("missing_there", "payment", last, "note", "review"),
    ]
    assert {notice["reason"] for notice in await rows(world.db, "provider_notice")} == {"not_on_bill"}
    assert [row["pay_status"] for row in await rows(world.db, "third_payment")] == [1, 1, 1, 0, 1]


@pytest.mark.parametrize("status", [0, 1, -1])
async def test_another_amount_changes_nothing_and_is_flagged_for_review(world, status):
    number = await world.payment(1, status=status)
    world.wechat.paid(number, 19901, "T1")
    await world.run(bills.sale(number, 19901, "T1", **OURS))
    assert await world.found() == [("amount", "payment", number, "note", "review")]
    assert [row["pay_status"] for row in await rows(world.db, "third_payment")] == [status]
    [notice] = await rows(world.db, "provider_notice")
    assert (notice["reason"], notice["total_fen"]) == ("amount", 19901)
    assert await rows(world.db, "outbox") == []


async def test_a_payment_settled_by_another_transaction_is_flagged_for_review(world):
    number = await world.payment(1)
    await world.run(bills.sale(number, 19900, "T-other", **OURS))
    assert await world.found() == [("state", "payment", number, "note", "review")]
    assert (await rows(world.db, "provider_notice"))[0]["reason"] == "transaction"


@pytest.mark.parametrize("theirs", [{"appid": APPID, "mchid": "1999999999"}, {"appid": "wx-other", "mchid": MCHID}])
async def test_another_merchants_or_apps_line_with_our_number_settles_nothing(world, theirs):
    number = await world.payment(1, status=0)
    await world.run(bills.sale(number, 19900, "T1", **theirs))
    assert await world.found() == [("state", "payment", number, "note", "review")]
    assert [row["pay_status"] for row in await rows(world.db, "third_payment")] == [0]


@pytest.mark.parametrize(
    ("ours", "theirs", "after", "repair"),
    [
        ("accepted", "SUCCESS", "succeeded", ("settle", "settled")),
        ("requested", "SUCCESS", "succeeded", ("settle", "settled")),
        ("requested", "PROCESSING", "accepted", ("settle", "settled")),
        ("accepted", "CHANGE", "abnormal", ("settle", "settled")),
        ("accepted", "FAIL", "closed", ("settle", "settled")),
        ("succeeded", "FAIL", "succeeded", ("note", "review")),
        ("closed", "SUCCESS", "closed", ("note", "review")),
        ("closed", "PROCESSING", "closed", ("note", "review")),
        ("succeeded", "PROCESSING", "succeeded", None),
        ("abnormal", "CHANGE", "abnormal", None),
        ("succeeded", "CHANGE", "succeeded", None),
        ("accepted", "ODD", "accepted", ("note", "review")),
    ],
)
async def test_refunds_follow_the_bills_status_but_never_step_back(world, ours, theirs, after, repair):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state=ours)
    status = {"CHANGE": "ABNORMAL", "FAIL": "CLOSED"}.get(theirs, theirs)
    world.wechat.refunded(refund, payment, 19900, "R1", "T1", status)
    await world.run(
        bills.sale(payment, 19900, "T1", **OURS), bills.refund(payment, refund, 19900, "R1", "T1", state=theirs, **OURS)
    )
    assert await world.found() == ([("state", "refund", refund, *repair)] if repair else [])
    assert (await rows(world.db, "refund order by id"))[0]["state"] == after


async def test_a_refund_that_succeeded_by_the_bill_refunds_the_payment_and_tells_the_order(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="accepted")
    world.wechat.refunded(refund, payment, 19900, "R1", "T1")
    lines = [
        bills.sale(payment, 19900, "T1", **OURS),
        bills.refund(payment, refund, 19900, "R1", "T1", state="SUCCESS", **OURS),
    ]
    await world.run(*lines)
    [row] = await rows(world.db, "third_payment")
    assert (row["pay_status"], row["refunded_fen"]) == (2, 19900)
    [event] = await rows(world.db, "outbox")
    assert event["event"]["data"]["payStatus"] == 2


async def test_another_amount_of_a_refund_is_flagged_for_review(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="accepted")
    world.wechat.refunded(refund, payment, 19800, "R1", "T1")
    await world.run(
        bills.sale(payment, 19900, "T1", **OURS),
        bills.refund(payment, refund, 19800, "R1", "T1", state="SUCCESS", **OURS),
    )
    assert await world.found() == [("amount", "refund", refund, "note", "review")]
    assert [(row["state"]) for row in await rows(world.db, "refund")] == ["accepted"]


async def test_a_refund_handed_over_at_midnight_agrees_when_the_next_bill_has_it(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="accepted", sent="2026-11-22 15:59:59+00")
    line = bills.refund(payment, refund, 19900, "R1", "T1", at="2026-11-23 00:00:01", state="PROCESSING", **OURS)
    await world.run(bills.sale(payment, 19900, "T1", **OURS))
    assert await world.found() == [("missing_there", "refund", refund, "note", "review")]
    await world.run(line, day=date(2026, 11, 23))
    assert await world.found() == [("missing_there", "refund", refund, "note", "mended")]
    assert [notice["state"] for notice in await rows(world.db, "provider_notice")] == ["resolved"]


async def test_what_was_reviewed_once_is_shown_again_when_another_day_differs(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="accepted")
    await world.run(bills.sale(payment, 19900, "T1", **OURS))
    await world.execute("update provider_notice set state = 'resolved'")
    await world.execute(
        "update refund set state = 'succeeded', refund_id = 'R1', success_time = :at",
        at=datetime(2026, 11, 23, 3, tzinfo=UTC),
    )
    world.now = NOW.replace(day=24)
    await world.run(
        bills.sale(await world.payment(2, at="2026-11-23 02:00:00+00"), 19900, "T2", at="2026-11-23 10:00:00", **OURS),
        day=date(2026, 11, 23),
    )
    assert [found[:3] for found in await world.found()] == [("missing_there", "refund", refund)] * 2
    assert [(notice["state"], notice["seen"]) for notice in await rows(world.db, "provider_notice")] == [
        ("needs_review", 2)
    ]


async def test_a_refund_that_wechat_itself_closed_is_no_difference_while_its_bill_has_it_under_way(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="closed")
    await world.execute("update refund set refund_id = 'R1'")
    line = bills.refund(payment, refund, 19900, "R1", "T1", state="PROCESSING", **OURS)
    await world.run(bills.sale(payment, 19900, "T1", **OURS), line)
    assert await world.found() == []


async def test_a_refund_that_ended_days_later_is_not_missed_on_that_days_bill(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="accepted")
    line = bills.refund(payment, refund, 19900, "R1", "T1", state="PROCESSING", **OURS)
    await world.run(bills.sale(payment, 19900, "T1", **OURS), line)
    await world.execute("update refund set state = 'succeeded', success_time = '2026-11-24 03:00:00+00'")
    await world.run(day=date(2026, 11, 24))
    assert await world.found() == []


async def test_a_second_run_changes_nothing_at_all(world):
    waiting, other = await world.payment(1, status=0), await world.payment(2)
    world.wechat.paid(waiting, 19900, "T1")
    await world.payment(3)
    lines = [
        bills.sale(waiting, 19900, "T1", **OURS),
        bills.sale(other, 1, "T2", **OURS),
        bills.sale("PMT2026112210000099999999", 100, "T9", **OURS),
        bills.sale("not-our-form", 100, "T8", **OURS),
        "`nonsense",
    ]
    await world.run(*lines)
    assert len(await world.found()) == 5
    before = await world.everything()
    world.now = NOW.replace(hour=9)
    await world.run(*lines)
    assert await world.everything() == before


async def test_a_crash_before_the_repairs_leaves_them_to_the_next_run(world, monkeypatch):
    number = await world.payment(1, status=0)
    world.wechat.paid(number, 19900, "T1")

    async def dies(_verdict):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Settlement, "apply", lambda _self, verdict: dies(verdict))
        with pytest.raises(RuntimeError):
            await world.run(bills.sale(number, 19900, "T1", **OURS))
    assert await world.found() == [("state", "payment", number, None, "open")]
    assert await rows(world.db, "reconciliation") == []
    await world.run(bills.sale(number, 19900, "T1", **OURS))
    assert await world.found() == [("state", "payment", number, "settle", "settled")]


async def test_another_days_bill_is_refused_and_nothing_changes(world, tmp_path):
    number = await world.payment(1, status=0)
    file = bills.write(tmp_path / "bill.csv", bills.sale(number, 19900, "T1", at="2026-11-23 00:00:00", **OURS))
    before = await world.everything()
    with pytest.raises(AnotherDaysBill):
        await world.reconciler.run(DAY, bill=file)
    assert await world.everything() == before
    assert world.wechat.asked == []


async def test_a_bill_that_was_cut_is_refused_and_nothing_changes(world, tmp_path):
    number = await world.payment(1, status=0)
    file = bills.write(tmp_path / "bill.csv", bills.sale(number, 19900, "T1", **OURS))
    file.write_bytes(b"\r\n".join(file.read_bytes().split(b"\r\n")[:2]) + b"\r\n")
    before = await world.everything()
    with pytest.raises(BadBill):
        await world.reconciler.run(DAY, bill=file)
    assert await world.everything() == before


async def test_two_at_once_do_not_meet(world, db):
    async with comparison(db, DAY, MERCHANT):
        with pytest.raises(AlreadyRunning):
            await world.run()
        await world.run(day=date(2026, 11, 21))


async def test_a_day_without_business_is_an_empty_bill(world):
    ours = await world.payment(1)
    world.bills.trouble = NoBill("NO_STATEMENT_EXIST")
    await world.reconciler.run(DAY)
    assert await world.found() == [("missing_there", "payment", ours, "note", "review")]
    assert (await rows(world.db, "reconciliation"))[0]["has_bill"] is False
    assert "WeChat has no bill of that day" in await world.text()


async def test_what_is_wanted_is_run_when_the_bill_is_ready_and_days_that_were_missed_too(world):
    assert await world.reconciler.schedule_due_days() == 1
    world.bills.trouble = BillNotReady("STATEMENT_CREATING")
    await world.reconciler.run_scheduled()
    [run] = await rows(world.db, "reconciliation")
    assert (run["bill_date"], run["state"]) == (DAY, "wanted")
    assert run["problem"] == "not ready: STATEMENT_CREATING"

    world.bills.trouble = None
    await world.reconciler.run_scheduled()
    assert world.bills.asked == [DAY]
    world.now = NOW.replace(hour=3)
    await world.reconciler.run_scheduled()
    [run] = await rows(world.db, "reconciliation")
    assert (run["state"], run["problem"]) == ("done", None)

    world.now = NOW.replace(day=26)
    assert await world.reconciler.schedule_due_days() == 3
    assert await world.reconciler.schedule_due_days() == 0
    await world.reconciler.run_scheduled()
    assert world.bills.asked[2:] == [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)]


async def test_the_report_says_the_same_as_text_csv_and_json(world, db):
    waiting = await world.payment(1, status=0)
    world.wechat.paid(waiting, 19900, "T1")
    unknown = "PMT2026112210000099999999"
    await world.run(
        bills.sale(waiting, 19900, "T1", **OURS),
        bills.sale(unknown, 100, "T9", **OURS),
        bills.sale("C-17", 5000, "T8", appid="wx-other", mchid=MCHID),
        bills.refund("C-17", "=1+1", 2000, "R8", "T8", state="SUCCESS", appid="wx-other", mchid=MCHID),
        "`2026-11-22 10:00:00,`bent",
    )
    report = world.report
    key = (await rows(db, "reconciliation_difference where kind = 'unreadable'"))[0]["number"]
    assert key.startswith("line 6 ")
    assert (await world.text()).splitlines() == [
        "Reconciliation of 2026-11-22",
        "on the bill: 3 payments, ¥250.00; 1 refunds, ¥20.00; fee ¥0.23880",
        "  ours: 2 payments, ¥200.00; 0 refunds, ¥0.00; fee ¥0.23880",
        "  not ours: 1 payments, ¥50.00; 1 refunds, ¥20.00; fee ¥0.00000",
        "could not be read, so in no sum: 1",
        "differences: 3",
        "        1  line could not be read: review",
        "        1  payment on the bill, not in our books: review",
        "        1  payment another state: settled",
        f"unreadable    {key}  2 cells, 27 were announced  → note: review",
        f"state         payment {waiting}  ours: waiting ¥199.00  theirs: SUCCESS ¥199.00  → settle: settled",
        f"missing_here  payment {unknown}  ours: nothing  theirs: SUCCESS ¥1.00  → note: review",
    ]
    table = list(csv.DictReader(io.StringIO("".join([part async for part in report.csv(DAY)]))))
    assert [(row["number"], row["kind"], row["outcome"]) for row in table] == [
        (key, "unreadable", "review"),
        (waiting, "state", "settled"),
        (unknown, "missing_here", "review"),
    ]
    document = json.loads("".join([part async for part in report.json(DAY)]))
    assert document["bill"] == {
        "payments": 3,
        "payments_fen": 25000,
        "refunds": 1,
        "refunds_fen": 2000,
        "fee_yuan": "0.23880",
        "not_ours_payments": 1,
        "not_ours_payments_fen": 5000,
        "not_ours_refunds": 1,
        "not_ours_refunds_fen": 2000,
        "not_ours_fee_yuan": "0.00000",
        "of_other_days": 0,
        "unreadable": 1,
    }
    assert [row["number"] for row in document["differences"]] == [key, waiting, unknown]
    assert sum(each["count"] for each in document["counts"]) == 3
    empty = json.loads("".join([part async for part in report.json(date(2020, 1, 1))]))
    assert (empty["state"], empty["differences"]) == (None, [])


def test_a_cell_that_a_spreadsheet_would_calculate_is_text():
    assert _line(["=1+1", 5]) == "'=1+1,5\r\n"
