"""How long payments, refunds and what waits for review have been in a state that should end."""

from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY
from sqlalchemy import text

from payment.waiting import UNFINISHED
from servicekit.unfinished import Ages

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


async def measured(db):
    await Ages(db, lambda: NOW, UNFINISHED).measure()
    found = {
        each.state: REGISTRY.get_sample_value("unfinished_oldest_seconds", {"state": each.state}) for each in UNFINISHED
    }
    return {state: age for state, age in found.items() if age}


async def write(db, statement, **values):
    async with db.transaction() as tx:
        await tx.execute(text(statement), values)


async def payment_of(db, n, *, expires_in, status=0):
    await write(
        db,
        "insert into third_payment (id, sn, order_sn, user_id, service_type, pay_mode, trade_type, total_fen, refunded_fen,"
        " pay_status, version, request, expires_at, trade_state, due_at, tries, pay_time)"
        " values (:n, 'PMT' || :sn, 'HSO' || :sn, 1, 'homestayOrder', 'WECHAT_PAY', 'JSAPI', 100, 0, :status, 1, '{}',"
        " :expires, 'NOTPAY', :expires, 0, case when :status in (1, 2) then cast(:expires as timestamptz) end)",
        n=n,
        sn=str(n),
        status=status,
        expires=NOW + timedelta(seconds=expires_in),
    )


async def test_only_what_should_have_ended_has_an_age(db):
    await payment_of(db, 1, expires_in=60)
    await payment_of(db, 2, expires_in=-9000, status=1)
    assert await measured(db) == {}

    await payment_of(db, 3, expires_in=-70)
    for state, age in (("requested", 10), ("requested", 20), ("accepted", 30), ("abnormal", 40), ("closed", 99)):
        await write(
            db,
            "insert into refund (sn, request_sn, attempt, payment_sn, order_sn, refund_fen, cause, reason, state, version,"
            " due_at, tries, created_at)"
            " values ('R' || :name, 'Q' || :name, 1, 'PMT2', 'HSO2', 1, 'buyer', '', :state, 1, :at, 0, :at)",
            name=f"{state}{age}",
            state=state,
            at=NOW - timedelta(seconds=age),
        )
    for state, age in (("needs_review", 50), ("resolved", 99)):
        await write(
            db,
            "insert into provider_notice (out_trade_no, reason, detail, source, state, seen, created_at)"
            " values ('P', :state, '', 'callback', :state, 1, :at)",
            state=state,
            at=NOW - timedelta(seconds=age),
        )
    for outcome, age in (("open", 60), ("settled", 99)):
        await write(
            db,
            "insert into reconciliation_difference (bill_date, kind, subject, number, payment_sn, outcome, found_at)"
            " values (date '2026-11-22', 'amount', 'payment', :outcome, 'P', :outcome, :at)",
            outcome=outcome,
            at=NOW - timedelta(seconds=age),
        )

    assert await measured(db) == {
        "third_payment.waiting": 70,
        "refund.requested": 20,
        "refund.accepted": 30,
        "refund.abnormal": 40,
        "provider_notice.needs_review": 50,
        "reconciliation_difference.open": 60,
    }


async def test_each_state_tells_its_bound(db):
    await measured(db)
    bounds = {
        each.state: REGISTRY.get_sample_value("unfinished_limit_seconds", {"state": each.state}) for each in UNFINISHED
    }
    assert bounds == {each.state: each.limit.total_seconds() for each in UNFINISHED}
