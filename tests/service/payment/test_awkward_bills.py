"""Lines that are not ours, cannot be read, or lie on another day's bill; and none that settles by itself."""

import asyncio
import itertools
from datetime import date

import pytest
from structlog.testing import capture_logs

from payment.daily import bill_repair
from payment.daily.bill_comparison import AnotherDaysBill
from payment.daily.bill_repair import Unanswered
from payment.wechat.answers import QUERY
from payment.wechat.errors import Ambiguous
from tests.service.payment import bill as bills
from tests.service.payment.books import DAY, OURS, World
from tests.service.payment.support import rows
from tests.service.payment.wechat import APPID, MCHID

FOREIGN = {"appid": "wx9999999999999999", "mchid": MCHID}
NEXT = date(2026, 11, 23)
BEFORE = date(2026, 11, 21)
BENT = "`2026-11-22 10:00:00,`wx,`19"


@pytest.fixture
def world(db):
    return World(db)


async def notices(world):
    return [
        (row["reason"], row["out_trade_no"], row["state"])
        for row in await rows(world.db, "provider_notice order by id")
    ]


async def figures(world):
    [run] = await rows(world.db, "reconciliation")
    return run


async def test_lines_of_another_app_are_counted_and_open_no_notice(world):
    ours = await world.payment(1)
    foreign = [bills.sale(f"C-{n}", 100 + n, f"T-C-{n}", **FOREIGN) for n in range(30)]
    back = bills.refund("C-0", "R-C-0", 100, "R9", "T-C-0", state="SUCCESS", **FOREIGN)
    with capture_logs() as logs:
        await world.run(*foreign, bills.sale(ours, 19900, "T1", **OURS), back)
    assert await world.found() == []
    assert await notices(world) == []
    run = await figures(world)
    assert (run["payments"], run["payments_fen"], run["refunds"], run["refunds_fen"]) == (31, 23335, 1, 100)
    assert (run["not_ours_payments"], run["not_ours_payments_fen"]) == (30, 3435)
    assert (run["not_ours_refunds"], run["not_ours_refunds_fen"], run["unreadable"]) == (1, 100, 0)
    [told] = [log for log in logs if log["event"] == "reconciled"]
    assert (told["not_ours_payments"], told["not_ours_refunds"], told["not_ours_fee_yuan"]) == (30, 1, "3.46260")
    assert "  ours: 1 payments, ¥199.00; 0 refunds, ¥0.00; fee ¥0.11940\n" in await world.text()


@pytest.mark.parametrize(
    ("number", "whose", "found"),
    [
        ("PMT2026112210000099999999", OURS, [("missing_here", "payment")]),
        ("PMT2026112210000099999999", FOREIGN, []),
        ("PMT2026112210000099999999", {"appid": APPID, "mchid": "1999999999"}, []),
        ("PMT202611221000009999999", OURS, []),
        ("SOM20261122100000999999999", OURS, []),
        ("", OURS, []),
    ],
)
async def test_ours_is_what_has_our_app_and_our_form_of_number(world, number, whose, found):
    await world.run(bills.sale(number, 100, "T9", **whose))
    assert [each[:2] for each in await world.found()] == found
    assert (await figures(world))["not_ours_payments"] == (0 if found else 1)
    assert world.wechat.asked == []


async def test_a_refund_of_our_payment_is_ours_whatever_its_number_and_app(world):
    ours = await world.payment(1)
    await world.run(
        bills.sale(ours, 19900, "T1", **OURS),
        bills.refund(ours, "made-on-the-merchant-platform", 100, "R9", "T1", state="SUCCESS", **FOREIGN),
    )
    assert await world.found() == [("missing_here", "refund", "made-on-the-merchant-platform", "note", "review")]
    assert await notices(world) == [("refund_unknown", ours, "needs_review")]


async def test_an_unreadable_line_is_a_difference_and_a_notice_and_the_rest_is_settled(world):
    waiting = await world.payment(1, status=0)
    world.wechat.paid(waiting, 19900, "T1")
    await world.run(BENT, bills.sale(waiting, 19900, "T1", **OURS), BENT + "00")
    found = await rows(world.db, "reconciliation_difference order by id")
    assert [(each["kind"], each["subject"], each["number"][:7], each["outcome"]) for each in found] == [
        ("unreadable", "line", "line 2 ", "review"),
        ("unreadable", "line", "line 4 ", "review"),
        ("state", "payment", waiting[:7], "settled"),
    ]
    assert found[0]["line"] == {"why": "3 cells, 27 were announced", "text": BENT}
    [notice] = await rows(world.db, "provider_notice")
    assert (notice["reason"], notice["out_trade_no"], notice["seen"]) == ("unreadable", "bill 2026-11-22", 2)
    run = await figures(world)
    assert (run["state"], run["payments"], run["unreadable"]) == ("done", 1, 2)
    assert "could not be read, so in no sum: 2\ndifferences: 3\n" in await world.text()
    await world.execute("update provider_notice set state = 'resolved'")
    before = await world.everything()
    await world.run(BENT, bills.sale(waiting, 19900, "T1", **OURS), BENT + "00")
    assert await world.everything() == before


async def test_what_an_unreadable_line_names_is_not_missed_as_well(world):
    ours, back = await world.payment(1), await world.payment(2)
    refund = await world.refund(1, back)
    unreadable = bills.sale(ours, 19900, "T1", **OURS).replace("民宿", f"{refund},`y,`1.00000,`0.60%,`0.01,`0.00,`z")
    await world.run(unreadable, bills.sale(back, 19900, "T2", **OURS))
    [found] = await world.found()
    assert (found[0], found[4]) == ("unreadable", "review")


LATE = "2026-11-22 16:00:01+00"
"""One second past midnight in Shanghai."""


async def test_a_line_of_another_day_is_compared_and_counted_and_not_missed_on_its_own(world):
    late = await world.payment(1, at="2026-11-22 16:00:01+00")  # one second past midnight in Shanghai
    ours = await world.payment(2)
    await world.run(
        bills.sale(ours, 19900, "T2", **OURS), bills.sale(late, 19900, "T1", at="2026-11-23 00:00:01", **OURS)
    )
    assert (await figures(world))["of_other_days"] == 1
    assert "of other days: 1 payments\n" in await world.text()
    await world.run(day=NEXT)
    assert await world.found() == []
    assert await notices(world) == []


async def test_a_payment_settled_by_another_days_bill_is_not_missed_on_its_own(world):
    late = await world.payment(1, status=0)
    world.wechat.paid(late, 19900, "T1", at="2026-11-22 16:00:01+00")
    await world.run(bills.sale(late, 19900, "T1", at="2026-11-23 00:00:01", **OURS))
    await world.run(day=NEXT)
    assert await world.found() == [("state", "payment", late, "settle", "settled")]


async def a_midnight_world(db):
    """Three days; each of the four is on a neighbour's bill, and the last on none."""
    world = World(db)
    later = await world.payment(1, at="2026-11-22 15:59:59+00")
    earlier = await world.payment(2, at="2026-11-21 16:00:01+00")
    paid = await world.payment(3)
    refund = await world.refund(1, paid, sent="2026-11-22 15:59:59+00")
    missing = await world.payment(4)
    world.of_days = {
        BEFORE: [bills.sale(earlier, 19900, "T2", at="2026-11-22 00:00:01", **OURS)],
        DAY: [bills.sale(paid, 19900, "T3", **OURS)],
        NEXT: [
            bills.sale(later, 19900, "T1", at="2026-11-22 23:59:59", **OURS),
            bills.refund(paid, refund, 19900, "R1", "T3", state="SUCCESS", at="2026-11-23 00:00:01", **OURS),
        ],
    }
    return world, missing


@pytest.mark.parametrize("days", [*itertools.permutations([BEFORE, DAY, NEXT])], ids=str)
async def test_the_order_in_which_days_are_reconciled_does_not_matter(db, days):
    world, missing = await a_midnight_world(db)
    for day in days:
        await world.run(*world.of_days[day], day=day)
    assert [found for found in await world.found() if found[4] != "mended"] == [
        ("missing_there", "payment", missing, "note", "review")
    ]
    waiting = [notice for notice in await notices(world) if notice[2] == "needs_review"]
    assert waiting == [("not_on_bill", missing, "needs_review")]


async def test_days_reconciled_at_the_same_time_see_what_the_others_found(db):
    world, missing = await a_midnight_world(db)
    world.bills.of_day = world.of_days
    await asyncio.gather(*(world.reconciler.run(day) for day in world.of_days))
    waiting = [notice for notice in await notices(world) if notice[2] == "needs_review"]
    assert waiting == [("not_on_bill", missing, "needs_review")]


async def test_a_day_whose_bill_came_late_agrees_when_it_is_run_again(world):
    ours = await world.payment(1)
    await world.run()
    assert await notices(world) == [("not_on_bill", ours, "needs_review")]
    await world.run(bills.sale(ours, 19900, "T1", **OURS))
    assert [found[4] for found in await world.found()] == ["mended"]
    assert await notices(world) == [("not_on_bill", ours, "resolved")]


async def test_a_file_proves_nothing_for_other_days_nor_for_what_was_found_missing(world, tmp_path):
    """Edited, or of two days: what it lists beside its own day's is still missed on the day itself."""
    missing, ours, late = await world.payment(1), await world.payment(2), await world.payment(3, at=LATE)
    refund = await world.refund(1, ours, sent=LATE)
    await world.run(bills.sale(ours, 19900, "T2", **OURS))
    assert await notices(world) == [("not_on_bill", missing, "needs_review")]

    lines = [
        bills.sale(missing, 19900, "T1", **OURS),
        bills.sale(ours, 19900, "T2", **OURS),
        bills.sale(late, 19900, "T3", at="2026-11-23 00:00:01", **OURS),
        bills.refund(ours, refund, 19900, "R1", "T2", state="SUCCESS", at="2026-11-23 00:00:01", **OURS),
    ]
    await world.reconciler.run(DAY, bill=bills.write(tmp_path / "edited.csv", *lines))
    assert await notices(world) == [("not_on_bill", missing, "needs_review")]
    assert [row["billed_on"] for row in await rows(world.db, "third_payment order by id")] == [None, None, None]
    assert [row["billed_on"] for row in await rows(world.db, "refund")] == [None]

    await world.run(day=NEXT)
    assert ("missing_there", "payment", late, "note", "review") in await world.found()
    assert ("missing_there", "refund", refund) in [found[:3] for found in await world.found()]
    await world.run(*lines)
    waiting = [notice for notice in await notices(world) if notice[0] == "not_on_bill" and notice[2] != "resolved"]
    assert waiting == [], "WeChat's own bill does"


async def test_a_file_whose_payments_are_mostly_of_another_day_is_refused_and_nothing_changes(world, tmp_path):
    ours, late, later = await world.payment(1), await world.payment(2, at=LATE), await world.payment(3, at=LATE)
    lines = [
        bills.sale(ours, 19900, "T1", **OURS),
        *(bills.sale(each, 19900, "T2", at="2026-11-23 00:00:01", **OURS) for each in (late, later)),
    ]
    before = await world.everything()
    with pytest.raises(AnotherDaysBill, match="2 of 3 payments of the bill are not of 2026-11-22"):
        await world.reconciler.run(DAY, bill=bills.write(tmp_path / "mixed.csv", *lines))
    assert await world.everything() == before


async def unchanged(world, number, status):
    [payment] = [row for row in await rows(world.db, "third_payment") if row["sn"] == number]
    assert (payment["pay_status"], payment["version"]) == (status, 2)
    assert await rows(world.db, "payment_transition") == []
    assert await rows(world.db, "outbox") == []


@pytest.mark.parametrize("status", [0, -1])
@pytest.mark.parametrize("theirs", [None, "NOTPAY", "CLOSED", "USERPAYING"])
@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_line_that_wechat_does_not_confirm_settles_nothing(world, tmp_path, status, theirs, by_hand):
    number = await world.payment(1, status=status)
    if theirs:
        world.wechat.paid(number, 19900, None, state=theirs)
    line = bills.sale(number, 19900, "T-forged", **OURS)
    if by_hand:
        await world.reconciler.run(DAY, bill=bills.write(tmp_path / "forged.csv", line))
    else:
        await world.run(line)
    await unchanged(world, number, status)
    assert world.wechat.asked == [number]
    assert await world.found() == [("state", "payment", number, "note", "review")]
    assert await notices(world) == [("bill_unconfirmed", number, "needs_review")]


async def test_a_line_that_says_otherwise_than_wechat_settles_as_wechat_says_and_is_told(world):
    number = await world.payment(1, status=0)
    world.wechat.paid(number, 19900, "T1")
    await world.run(bills.sale(number, 19900, "T-other", **OURS))
    [payment] = await rows(world.db, "third_payment")
    assert (payment["pay_status"], payment["transaction_id"]) == (1, "T1")
    assert await world.found() == [("state", "payment", number, "note", "review")]
    assert await notices(world) == [("bill_unconfirmed", number, "needs_review")]


async def test_only_what_disagrees_with_our_books_is_asked(world):
    agreed = [await world.payment(n) for n in range(1, 4)]
    waiting = await world.payment(4, status=0)
    world.wechat.paid(waiting, 19900, "T4")
    lines = [bills.sale(number, 19900, f"T{n}", **OURS) for n, number in enumerate([*agreed, waiting], 1)]
    await world.run(*lines, bills.sale("C-1", 1, "T9", **FOREIGN))
    assert world.wechat.asked == [waiting]


@pytest.mark.parametrize(
    "trouble",
    [Ambiguous("ReadTimeout"), QUERY.error(429, "FREQUENCY_LIMITED", ""), QUERY.error(401, "SIGN_ERROR", "")],
    ids=str,
)
async def test_while_wechat_cannot_be_asked_nothing_settles_and_the_day_stays_open(world, trouble):
    number, unknown = await world.payment(1, status=0), "PMT2026112210000099999999"
    lines = [bills.sale(number, 19900, "T1", **OURS), bills.sale(unknown, 100, "T9", **OURS)]
    world.wechat.trouble = trouble
    with pytest.raises(Unanswered, match="1 differences stay open"):
        await world.run(*lines)
    await unchanged(world, number, 0)
    assert await world.found() == [
        ("state", "payment", number, None, "open"),
        ("missing_here", "payment", unknown, "note", "review"),
    ]
    run = await figures(world)
    assert (run["state"], run["finished_at"]) == ("wanted", None)
    assert "not through yet" in await world.text()

    world.wechat.trouble = None
    world.wechat.paid(number, 19900, "T1")
    await world.reconciler.run_scheduled()
    assert await world.found() == [
        ("state", "payment", number, "settle", "settled"),
        ("missing_here", "payment", unknown, "note", "review"),
    ]
    assert (await figures(world))["state"] == "done"


async def test_a_day_that_was_done_is_wanted_again_while_wechat_cannot_be_asked_about_it(world):
    number = await world.payment(1, status=0)
    await world.run()
    assert (await figures(world))["state"] == "done"
    world.wechat.trouble = Ambiguous("ConnectTimeout")
    with pytest.raises(Unanswered):
        await world.run(bills.sale(number, 19900, "T1", **OURS))
    assert (await figures(world))["state"] == "wanted"
    assert "not through yet" in await world.text()
    world.bills.lines = []
    await world.reconciler.run_scheduled()
    assert (await figures(world))["problem"] == "Unanswered: 1 differences stay open: WeChat could not be asked"


async def test_a_wechat_that_is_away_is_not_asked_about_every_line(world, monkeypatch):
    monkeypatch.setattr(bill_repair, "MAX_UNANSWERED", 3)
    numbers = [await world.payment(n, status=0) for n in range(1, 21)]
    world.wechat.trouble = Ambiguous("ConnectTimeout")
    with pytest.raises(Unanswered, match="20 differences stay open"):
        await world.run(*(bills.sale(number, 19900, f"T{n}", **OURS) for n, number in enumerate(numbers, 1)))
    assert 3 <= len(world.wechat.asked) < 3 + 5


async def test_many_lost_callbacks_are_settled_each_once(world):
    numbers = [await world.payment(n, status=0) for n in range(1, 251)]
    for n, number in enumerate(numbers, 1):
        world.wechat.paid(number, 19900, f"T{n}")
    await world.run(*(bills.sale(number, 19900, f"T{n}", **OURS) for n, number in enumerate(numbers, 1)))
    assert sorted(world.wechat.asked) == numbers
    assert {found[4] for found in await world.found()} == {"settled"}
    assert (len(await world.found()), len(await rows(world.db, "outbox"))) == (250, 250)


@pytest.mark.parametrize("ours", ["requested", "accepted", "abnormal"])
@pytest.mark.parametrize("theirs", [None, "PROCESSING"])
async def test_a_refund_that_wechat_does_not_confirm_gives_nothing_back(world, ours, theirs):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state=ours)
    if theirs:
        world.wechat.refunded(refund, payment, 19900, "R1", "T1", theirs)
    forged = bills.refund(payment, refund, 19900, "R1", "T1", state="SUCCESS", **OURS)
    await world.run(bills.sale(payment, 19900, "T1", **OURS), forged)
    [row] = await rows(world.db, "refund")
    assert row["success_time"] is None
    assert [(row["pay_status"], row["refunded_fen"]) for row in await rows(world.db, "third_payment")] == [(1, 0)]
    assert await rows(world.db, "outbox") == []
    assert await world.found() == [("state", "refund", refund, "note", "review")]
    assert await notices(world) == [("bill_unconfirmed", payment, "needs_review")]


async def test_while_wechat_cannot_be_asked_a_refund_stays_as_it_is(world):
    payment = await world.payment(1)
    refund = await world.refund(1, payment, state="accepted")
    world.wechat.trouble = Ambiguous("ReadTimeout")
    with pytest.raises(Unanswered):
        await world.run(
            bills.sale(payment, 19900, "T1", **OURS),
            bills.refund(payment, refund, 19900, "R1", "T1", state="SUCCESS", **OURS),
        )
    assert [row["state"] for row in await rows(world.db, "refund")] == ["accepted"]
    assert await world.found() == [("state", "refund", refund, None, "open")]
    assert await notices(world) == []


@pytest.mark.parametrize(("account", "outcome"), [("AVAILABLE", "mended"), ("UNSETTLED", "review"), (None, "review")])
async def test_a_refund_that_the_available_balance_paid_is_on_no_trade_bill_and_not_missed(world, account, outcome):
    payment = await world.payment(1)
    refund = await world.refund(1, payment)
    world.wechat.refunded(refund, payment, 19900, "R1", "T1", funds_account=account)
    await world.run(bills.sale(payment, 19900, "T1", **OURS))
    assert [found[:3] + found[4:] for found in await world.found()] == [("missing_there", "refund", refund, outcome)]
    assert len(await notices(world)) == (1 if outcome == "review" else 0)


async def test_a_notice_is_not_opened_for_what_another_days_bill_showed_meanwhile(world):
    ours = await world.payment(1)
    await world.run(bills.sale(await world.payment(2), 19900, "T2", **OURS), BENT)
    [missing] = [row for row in await rows(world.db, "reconciliation_difference") if row["number"] == ours]
    await world.execute("update reconciliation_difference set outcome = 'mended' where number = :sn", sn=ours)
    await world.execute("delete from provider_notice")
    found = bill_repair.Difference(**{name: missing[name] for name in missing})
    await world.reconciler.repair.repair(found, bill_repair.RepairRun())
    assert await notices(world) == []
