"""Verdicts that arrive together are settled together, on a real PostgreSQL: one bad one harms no other."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from payment.ledger import payments
from payment.ledger.applied import Applied
from payment.ledger.payments import COMPARED_FIELDS, MERCHANT_FIELDS
from payment.wechat.verdicts import Verdict
from servicekit.arrays import ArrayTransaction
from servicekit.telemetry import traces
from tests.service.payment.support import parts_of
from tests.service.payment.wechat import APPID, MCHID

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PAID_AT = datetime(2026, 11, 23, 1, 29, 58, tzinfo=UTC)


def number(n):
    return f"PMT202611230930{n:08d}"


def order(n):
    return f"HSO202611230930{n:08d}"


def verdict(n, **changes):
    paid = {
        "source": "callback",
        "mchid": MCHID,
        "appid": APPID,
        "out_trade_no": number(n),
        "trade_state": "SUCCESS",
        "total_fen": 100 + n,
        "transaction_id": f"42000000000000000000{n:08d}",
        "success_time": PAID_AT,
        "bank_type": "OTHERS",
    }
    return Verdict(**(paid | changes))


@pytest.fixture
def settlement(db):
    return parts_of(db, lambda: NOW).settlement


@pytest.fixture
def add(db):
    async def add(*numbers, status=0):
        paid = PAID_AT if status > 0 else None
        async with db.transaction() as tx:
            for n in numbers:
                row = {
                    "sn": number(n), "order_sn": order(n), "total": 100 + n, "status": status, "paid_at": paid,
                    "transaction": f"42000000000000000000{n:08d}" if status > 0 else None,
                    "expires": NOW + timedelta(minutes=30), "due": NOW + timedelta(days=1),
                    "request": '{"payer":{"openid":"oBuyer"}}',
                }  # fmt: skip
                await tx.execute(
                    text(
                        "insert into third_payment (sn, order_sn, user_id, service_type, pay_mode, trade_type, total_fen,"
                        " refunded_fen, pay_status, version, request, expires_at, trade_state, transaction_id, pay_time,"
                        " due_at, tries) values (:sn, :order_sn, 1, 'homestayOrder', 'WECHAT_PAY', 'JSAPI',"
                        " :total, 0, :status, 1, :request, :expires, 'NOTPAY', :transaction, :paid_at, :due, 0)"
                    ),
                    row,
                )

    return add


@pytest.fixture
def rows(db):
    async def rows(sql, **values):
        async with db.read() as session:
            return [tuple(row) for row in await session.execute(text(sql), values)]

    return rows


STATES = "select sn, pay_status, version, trade_state, transaction_id from third_payment order by sn"
TRANSITIONS = (
    "select p.sn, t.seq, t.from_status, t.to_status, t.source from payment_transition t"
    " join third_payment p on p.id = t.payment_id order by p.sn, t.seq"
)
TOLD = "select event->'data'->>'paymentSn' from outbox order by id"


async def together(settlement, verdicts):
    return await asyncio.gather(*(settlement.apply(each) for each in verdicts), return_exceptions=True)


@pytest.fixture
def batches(monkeypatch):
    """How many verdicts each batch had."""
    sizes = []
    settle = payments.settle_plain

    async def noted(tx, arrived, *more):
        sizes.append(len(arrived))
        return await settle(tx, arrived, *more)

    monkeypatch.setattr(payments, "settle_plain", noted)
    return sizes


@pytest.fixture
def statements(db, monkeypatch):
    """Every statement from here on, through SQLAlchemy or past it."""
    seen = []

    def note(*args):
        seen.append(args[2])

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    for name in ("fetch", "execute"):
        run = getattr(ArrayTransaction, name)

        async def noted(tx, statement, *parameters, run=run):
            seen.append(statement)
            return await run(tx, statement, *parameters)

        monkeypatch.setattr(ArrayTransaction, name, noted)
    yield seen
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def test_a_hundred_are_settled_by_a_handful_of_statements(settlement, add, rows, statements):
    await add(*range(1, 101))
    statements.clear()
    assert await together(settlement, [verdict(n) for n in range(1, 101)]) == [Applied.SETTLED] * 100
    assert 2 <= len(statements) <= 4  # the first may have come alone
    assert await rows("select count(*), sum(version), count(distinct transaction_id) from third_payment") == [
        (100, 200, 100)
    ]
    assert await rows(
        "select count(*) from payment_transition where seq = 2 and from_status = 0 and to_status = 1"
    ) == [(100,)]
    assert await rows(TOLD) == [(number(n),) for n in range(1, 101)]


MISFITS = {
    "mchid": {"mchid": "1900000999"},
    "appid": {"appid": "wx0000000000000009"},
    "amount": {"total_fen": 1},
    "currency": {"currency": "USD"},
    "payer_currency": {"payer_currency": "USD"},
    "trade_type": {"trade_type": "NATIVE"},
    "openid": {"openid": "oAnother"},
    "attach": {"attach": "HSO2026112309309999999999"},
    "incomplete": {"transaction_id": None},
    "unknown_number": {"out_trade_no": number(777)},
}
"""Changes to the verdict about a waiting payment, by the reason of its review."""


def test_every_compared_field_is_among_the_misfits():
    assert {each.reason for each in (*MERCHANT_FIELDS, *COMPARED_FIELDS)} == MISFITS.keys() - {
        "incomplete",
        "unknown_number",
    } | {"transaction"}


async def test_one_batch_with_every_kind_of_misfit_settles_the_others_and_keeps_each_misfit(
    settlement, add, rows, batches
):
    waiting = {reason: n for n, reason in enumerate(MISFITS, start=100)}
    await add(1, 2, 3, 4, 5, 6, 7, 8, 9, *waiting.values())
    await add(20, 21, 22, status=1)
    await add(23, 24, status=-1)
    stolen = verdict(20).transaction_id
    no_transaction = {"total_fen": None, "transaction_id": None, "success_time": None}
    kept, unchanged = Applied.NEEDS_REVIEW, Applied.UNCHANGED
    arriving = [
        (verdict(1), Applied.SETTLED),
        *((verdict(n, **MISFITS[reason]), kept) for reason, n in waiting.items()),
        (verdict(2), Applied.SETTLED),
        (verdict(3, success_time=None), kept),
        (verdict(20), unchanged),
        (verdict(21, transaction_id="4200000000000000000099999999"), kept),
        (verdict(4, transaction_id=stolen), kept),
        (verdict(23), Applied.SETTLED),  # late: it was closed
        (verdict(24, total_fen=1), kept),
        (verdict(5, trade_state="CLOSED", source="close", **no_transaction), Applied.CLOSED),
        (verdict(6, trade_state="NOTPAY", source="query", **no_transaction), unchanged),
        (verdict(22, trade_state="REFUND"), unchanged),
        (verdict(7, trade_state="REFUND"), Applied.SETTLED),  # and a review: no such refund was requested
        (verdict(8), Applied.SETTLED),
        (verdict(8), unchanged),
        (verdict(9), Applied.SETTLED),
    ]

    applied = await together(settlement, [each for each, _ in arriving])

    assert batches == [len(arriving)]
    expected = [each for _, each in arriving]
    twice = [place for place, (each, _) in enumerate(arriving) if each.out_trade_no == number(8)]
    assert sorted(applied[place].value for place in twice) == ["settled", "unchanged"]
    assert [each for place, each in enumerate(applied) if place not in twice] == [
        each for place, each in enumerate(expected) if place not in twice
    ]
    paid = [1, 2, 7, 8, 9, 23]
    untouched = [3, 4, 6, *waiting.values()]
    assert await rows("select sn from third_payment where pay_status = 1 and version = 2 order by sn") == [
        (number(n),) for n in paid
    ]
    assert await rows("select sn from third_payment where pay_status = 0 and version = 1 order by sn") == [
        (number(n),) for n in untouched
    ]
    assert await rows(TRANSITIONS) == [
        (number(1), 2, 0, 1, "callback"),
        (number(2), 2, 0, 1, "callback"),
        (number(5), 2, 0, -1, "close"),
        (number(7), 2, 0, 1, "callback"),
        (number(8), 2, 0, 1, "callback"),
        (number(9), 2, 0, 1, "callback"),
        (number(23), 2, -1, 1, "callback"),
    ]
    assert sorted(await rows(TOLD)) == [(number(n),) for n in paid]
    about = {reason: number(n) for reason, n in waiting.items()} | {"unknown_number": number(777)}
    assert sorted(await rows("select out_trade_no, reason from provider_notice")) == sorted(
        [
            *((sn, reason) for reason, sn in about.items()),
            (number(3), "incomplete"),
            (number(4), "transaction"),
            (number(7), "refund_unknown"),
            (number(21), "transaction"),
            (number(24), "amount"),
        ]
    )


async def test_the_same_number_many_times_in_one_batch_is_settled_once(settlement, add, rows):
    await add(1, 2)
    applied = await together(settlement, [verdict(2), *[verdict(1)] * 20])
    assert sorted(each.value for each in applied) == ["settled"] * 2 + ["unchanged"] * 19
    assert await rows(TRANSITIONS) == [(number(1), 2, 0, 1, "callback"), (number(2), 2, 0, 1, "callback")]
    assert sorted(await rows(TOLD)) == [(number(1),), (number(2),)]


async def test_one_transaction_number_for_two_payments_settles_the_neighbours_and_one_of_the_two(settlement, add, rows):
    await add(1, 2, 3, 4)
    stolen = verdict(1).transaction_id
    applied = await together(settlement, [verdict(4), verdict(1), verdict(2, transaction_id=stolen), verdict(3)])
    assert applied[0] is applied[1] is applied[3] is Applied.SETTLED
    assert applied[2] is Applied.NEEDS_REVIEW
    assert await rows("select out_trade_no, reason from provider_notice") == [(number(2), "transaction")]
    assert await rows("select sn from third_payment where pay_status = 1 order by sn") == [
        (number(1),), (number(3),), (number(4),)
    ]  # fmt: skip
    assert sorted(await rows(TOLD)) == [(number(1),), (number(3),), (number(4),)]


async def test_two_replicas_with_the_same_batches_in_opposite_order_settle_each_once(db, settlement, add, rows):
    await add(*range(1, 61))
    other = parts_of(db, lambda: NOW).settlement
    both = await asyncio.gather(
        together(settlement, [verdict(n) for n in range(1, 61)]),
        together(other, [verdict(n) for n in range(60, 0, -1)]),
    )
    assert sorted(each.value for side in both for each in side) == ["settled"] * 60 + ["unchanged"] * 60
    assert await rows("select count(*), max(seq) from payment_transition") == [(60, 2)]
    assert await rows("select count(*), count(distinct event_id) from outbox") == [(60, 60)]


async def test_each_event_carries_the_trace_of_its_own_callback(settlement, add, rows):
    await add(*range(1, 6))
    of = {n: f"{n:032x}" for n in range(1, 6)}

    async def arrive(n):
        traces.enter(traces.begin("callback", traces.parsed(f"00-{of[n]}-{n:016x}-01")))
        return await settlement.apply(verdict(n))

    await asyncio.gather(*(asyncio.create_task(arrive(n)) for n in of))
    told = await rows("select event from outbox")
    found = {}
    for (envelope,) in told:
        event_ = envelope if isinstance(envelope, dict) else json.loads(envelope)
        found[event_["data"]["paymentSn"]] = event_["traceparent"][3:35]
    assert found == {number(n): trace for n, trace in of.items()}


async def test_a_row_that_another_transaction_holds_delays_nothing_but_itself(settlement, add, rows, db):
    await add(1, 2, 3)
    async with db.transaction() as holder:
        await holder.execute(text("select 1 from third_payment where sn = :sn for update"), {"sn": number(2)})
        held = asyncio.create_task(settlement.apply(verdict(2)))
        assert await together(settlement, [verdict(1), verdict(3)]) == [Applied.SETTLED] * 2
        assert not held.done()
    assert await held is Applied.SETTLED
    assert await rows("select count(*) from payment_transition where seq = 2") == [(3,)]
