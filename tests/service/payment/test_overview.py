"""What operators see at a glance: payments by state and age, what should end, figures of the last hours, days."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from payment.overview import repository
from servicekit.telemetry.logs import redact
from tests.service.payment.books import Shop
from tests.service.payment.support import OPERATOR

DAY = date(2026, 11, 22)


@pytest.fixture
def books(db):
    """The ledger's rows as the test writes them."""
    return Shop(db)


async def data(desk, name, body=None):
    answer = await desk(name, body or {})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def age(books, table, sn, **span):
    """Make a row of `table` as old as `span`."""
    created = datetime.now(UTC) - timedelta(**span)
    await books.execute(f"update {table} set created_at = :created where sn = :sn", created=created, sn=sn)  # noqa: S608 - a table of ours


async def test_payments_are_listed_by_state_and_age_page_by_page(desk, books):
    old, young, paid = [await books.payment(n, status=status) for n, status in ((1, 0), (2, 0), (3, 1))]
    await age(books, "third_payment", old, hours=2)

    everything = (await data(desk, "paymentList"))["list"]
    assert [row["sn"] for row in everything] == [paid, young, old]
    first, second = [everything[0]["id"], everything[1]["id"]]
    assert (await data(desk, "paymentList", {"pageSize": 2}))["list"] == everything[:2]
    assert (await data(desk, "paymentList", {"lastId": second, "pageSize": 2}))["list"] == everything[2:]
    assert (await data(desk, "paymentList", {"payStatus": 0}))["list"] == everything[1:]
    assert (await data(desk, "paymentList", {"payStatus": 0, "olderThanSeconds": 3600}))["list"] == everything[2:]
    assert (await data(desk, "paymentList", {"payStatus": 2}))["list"] == []
    assert everything[0] | {"createdAt": "", "expiresAt": ""} == {
        "id": first,
        "sn": paid,
        "orderSn": "HSO2026112210000000000003",
        "userId": 1,
        "serviceType": "homestayOrder",
        "totalFen": 19900,
        "refundedFen": 0,
        "payStatus": 1,
        "tradeState": "X",
        "transactionId": "T3",
        "createdAt": "",
        "expiresAt": "",
        "payTime": "2026-11-22T02:00:00Z",
        "askedAt": None,
    }


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("paymentList", {"payStatus": 3}),
        ("paymentList", {"payStatus": "0"}),
        ("paymentList", {"olderThanSeconds": -1}),
        ("paymentStatistics", {"hours": 25}),
        ("paymentStatistics", {"stepMinutes": 7}),
        ("payoutDayList", {"before": "yesterday"}),
    ],
)
async def test_a_query_out_of_bounds_is_refused(desk, name, body):
    assert (await desk(name, body)).status_code == 422


@pytest.mark.parametrize(
    "name", ["paymentList", "unfinishedStatus", "paymentStatistics", "reconciliationRunList", "payoutDayList"]
)
async def test_only_operators_may_look(desk, name):
    assert (await desk(name, {}, "buyer", "merchant")).status_code == 403


async def test_refunds_are_listed_by_age(desk, books):
    paid = await books.payment(1)
    old, young = [await books.refund(n, paid, state="accepted", fen=100) for n in (1, 2)]
    await age(books, "refund", old, hours=2)
    found = (await data(desk, "refundList", {"state": "accepted", "olderThanSeconds": 3600}))["list"]
    assert [row["sn"] for row in found] == [old]
    assert [row["sn"] for row in (await data(desk, "refundList"))["list"]] == [young, old]


async def test_what_should_end_is_counted_by_age(desk, books):
    nothing = (await data(desk, "unfinishedStatus"))["list"]
    assert [(row["subject"], row["state"], row["count"], row["oldestAt"]) for row in nothing] == [
        ("payment", "waiting", 0, None),
        ("refund", "requested", 0, None),
        ("refund", "accepted", 0, None),
        ("refund", "abnormal", 0, None),
        ("notice", "needs_review", 0, None),
        ("difference", "open", 0, None),
    ]
    for n, minutes in enumerate((1, 11, 61, 1441)):
        await age(books, "third_payment", await books.payment(n, status=0, fen=100), minutes=minutes)
    paid = await books.payment(9)
    await books.refund(1, paid, state="abnormal", fen=700)
    await books.refund(2, paid, state="succeeded", fen=800)
    await books.execute(
        "insert into provider_notice (out_trade_no, reason, detail, source, state, seen)"
        " values ('P1', 'amount', '', 'callback', 'needs_review', 1), ('P2', 'amount', '', 'callback', 'resolved', 1)"
    )

    found = {(row["subject"], row["state"]): row for row in (await data(desk, "unfinishedStatus"))["list"]}
    ages = ("count", "fen", "overTenMinutes", "overHour", "overDay")
    assert [found["payment", "waiting"][name] for name in ages] == [4, 400, 3, 2, 1]
    assert [found["refund", "abnormal"][name] for name in ages] == [1, 700, 0, 0, 0]
    assert [found["notice", "needs_review"][name] for name in ages] == [1, 0, 0, 0, 0]
    assert [row["count"] for row in found.values()] == [4, 0, 0, 1, 1, 0]


async def settled(books, n, at, *, after, source="callback", fen=100):
    """A payment that was paid at `at` and settled `after` seconds later."""
    number = await books.payment(n, at=at.isoformat(), fen=fen)
    await books.execute(
        "insert into payment_transition (payment_id, seq, from_status, to_status, source, created_at)"
        " select id, 2, 0, 1, :source, :created from third_payment where sn = :sn",
        source=source,
        created=at + timedelta(seconds=after),
        sn=number,
    )


async def test_payments_are_counted_in_steps_with_the_time_until_they_were_settled(service, desk, books):
    service.clock.stop()
    now = service.clock()
    begin = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)
    earlier = begin - timedelta(hours=1)
    for n, seconds in enumerate((1.0, 2.0, 9.0)):
        await settled(books, n, earlier + timedelta(minutes=n), after=seconds)
    await settled(books, 3, begin, after=0.5, source="query", fen=700)
    await settled(books, 4, begin - timedelta(hours=25), after=1)
    await books.execute(
        "insert into payment_transition (payment_id, seq, from_status, to_status, source, created_at)"
        " select id, 3, 1, 1, 'callback', :created from third_payment where sn like '%3'",
        created=begin + timedelta(hours=1),  # a part of it was refunded: it is not settled once more
    )
    await books.execute(
        "insert into provider_notice (out_trade_no, reason, detail, source, state, seen, created_at)"
        " values ('P1', 'amount', '', 'callback', 'resolved', 1, :at),"
        " ('P2', 'amount', '', 'callback', 'resolved', 1, :at),"
        " ('P3', 'appid', '', 'callback', 'needs_review', 1, :long_ago)",
        at=earlier,
        long_ago=begin - timedelta(hours=24),
    )

    found = await data(desk, "paymentStatistics", {"hours": 24, "stepMinutes": 10})

    def text(moment):
        return moment.isoformat().replace("+00:00", "Z")

    assert (found["since"], found["until"]) == (
        text(begin + timedelta(minutes=10) - timedelta(hours=24)),
        text(begin + timedelta(minutes=10)),
    )
    assert found["paid"] == [
        {"at": text(earlier), "count": 3, "fen": 300, "p50Seconds": 2.0, "p99Seconds": pytest.approx(8.86)},
        {"at": text(begin), "count": 1, "fen": 700, "p50Seconds": 0.5, "p99Seconds": 0.5},
    ]
    assert found["failures"] == [
        {"kind": "review", "cause": "amount", "count": 2, "lastAt": text(earlier)},
        {"kind": "without_callback", "cause": "query", "count": 1, "lastAt": text(begin + timedelta(seconds=0.5))},
    ]


async def test_a_notice_shows_no_openid_on_a_page_or_in_the_log(service, desk, wechat):
    paid = await service.paid()
    transaction = wechat.transaction(paid)
    transaction["payer"]["openid"] = "oAnotherBuyer_0123456789-abc"
    with capture_logs() as said:
        assert (await service.deliver(*wechat.callback(transaction))).status_code == 204
    [shown] = (await data(desk, "noticeList"))["list"]
    assert (shown["reason"], shown["detail"]) == ("openid", "WeChat says payer oAno…, ours is oUpF…")
    [line] = [redact(None, "error", each) for each in said if each["event"] == "verdict needs review"]
    assert (line["reason"], line["detail"]) == (shown["reason"], shown["detail"])


async def test_reconciled_days_are_listed_with_their_differences(desk, books):
    await books.payment(1)
    await books.run()
    await books.execute(
        "insert into reconciliation (bill_date, state, next_attempt_at) values ('2026-11-20', 'wanted', now())"
    )
    await books.execute(
        "insert into reconciliation_difference (bill_date, kind, subject, number, payment_sn, outcome, found_at)"
        " values (:day, 'amount', 'payment', 'P9', 'P9', 'open', now())",
        day=DAY,
    )

    newest, oldest = (await data(desk, "reconciliationRunList"))["list"]
    figures = ("date", "state", "payments", "differences", "openDifferences")
    assert [newest[name] for name in figures] == ["2026-11-22", "done", 0, 2, 1]
    assert [oldest[name] for name in figures] == ["2026-11-20", "wanted", None, 0, 0]
    assert (await data(desk, "reconciliationRunList", {"pageSize": 1}))["list"] == [newest]
    assert (await data(desk, "reconciliationRunList", {"before": "2026-11-22"}))["list"] == [oldest]


async def test_payouts_are_listed_by_day_and_host(desk, books):
    await books.stay(1)
    await books.stay(2, business=8, host=5, fen=5000)
    await books.payouts.run(DAY)
    await books.execute("insert into payout_day (day) values ('2026-11-23')")

    scheduled, computed = (await data(desk, "payoutDayList"))["list"]
    assert scheduled == {
        "day": "2026-11-23",
        "completedAt": None,
        "records": 0,
        "businesses": 0,
        "staysFen": 0,
        "refundsFen": 0,
        "feeFen": 0,
        "netFen": 0,
    }
    assert computed == {
        "day": "2026-11-22",
        "completedAt": "2026-11-23T03:00:00Z",
        "records": 2,
        "businesses": 2,
        "staysFen": 24900,
        "refundsFen": 0,
        "feeFen": 149,
        "netFen": 24751,
    }
    assert (await data(desk, "payoutDayList", {"before": "2026-11-23"}))["list"] == [computed]
    rows = (await data(desk, "payoutList"))["list"]
    assert [(row["homestayBusinessId"], row["hostIds"]) for row in rows] == [(8, [5]), (7, [2])]
    assert (await data(desk, "payoutList", {"hostId": 5}))["list"] == rows[:1]
    assert (await data(desk, "payoutList", {"hostId": 6}))["list"] == []


@pytest.mark.parametrize("note", [{}, {"note": None}, {"note": " "}])
@pytest.mark.parametrize("name", ["reconcile", "payout", "paymentQuery", "refundBeginAgain"])
async def test_nothing_is_done_without_a_reason(service, desk, name, note):
    about = {"date": "2026-11-20", "paymentSn": "PMT2026112309310000000000", "refundSn": "RFD2026112310000000000000"}
    refused = await desk(name, about | note)
    assert (refused.status_code, refused.json()["field"]) == (422, "note")
    assert await service.rows("operator_act") == []


async def test_the_reason_of_an_act_is_kept(service, desk, books):
    yesterday = (service.clock() + timedelta(hours=8)).date() - timedelta(days=1)
    for name in ("reconcile", "payout"):
        assert (await desk(name, {"date": str(yesterday), "note": f"why {name}"})).status_code == 200
    acts = await service.rows("operator_act order by id")
    assert [(act["operator_id"], act["act"], act["subject"], act["note"]) for act in acts] == [
        (OPERATOR, "reconcile", f"day:{yesterday}", "why reconcile"),
        (OPERATOR, "payout", f"day:{yesterday}", "why payout"),
    ]


MANY = """
insert into third_payment select other.* from third_payment p, generate_series(1, 20000) n,
  lateral jsonb_populate_record(p, jsonb_build_object('id', p.id + n, 'sn', 'P' || n, 'order_sn', 'O' || n,
    'transaction_id', 'W' || n, 'pay_time', p.pay_time - n * interval '1 minute')) other
"""


async def test_the_last_hours_are_read_off_an_index(db, books, tables):
    """Of twenty thousand payments in two weeks."""
    await books.payment(1, at="2026-11-22T02:00:00+00:00")
    await books.execute(MANY)
    await books.execute(
        "insert into payment_transition (payment_id, seq, from_status, to_status, source, created_at)"
        " select id, 2, 0, 1, 'callback', pay_time from third_payment"
    )
    for table in ("third_payment", "payment_transition"):
        tables.execute(f"analyze {table}")
    span = {"since": datetime(2026, 11, 21, 3, tzinfo=UTC), "until": datetime(2026, 11, 22, 3, tzinfo=UTC)}

    async with db.read() as session:
        seen = list(
            (await session.scalars(text(f"explain {repository.PAID}"), span | {"step": timedelta(hours=1)})).all()
        )

    assert any("ix_third_payment_pay_time" in line for line in seen), seen
