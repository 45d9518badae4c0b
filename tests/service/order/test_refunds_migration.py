"""The revision that brings refunds of a part takes over the orders and refund requests of before."""

import psycopg
import pytest
from psycopg.rows import dict_row

from servicekit import migrate
from tests.service.order.revisions import ORDER, database_at

PAYMENT = (
    "insert into order_payment (order_id, payment_sn, version, pay_status, total_fen, paid_at, created_at,"
    " refund_request_sn, refund_cause, refund_requested_at)"
    " select id, %(payment)s::varchar, 2, %(status)s, 100, now(), now(), %(request)s::varchar, %(cause)s,"
    " case when %(request)s::varchar is not null then now() end from homestay_order where sn = %(sn)s"
)
ASKED = (
    "update homestay_order set refund_state = %s, refund_opened_at = case when %s then now() end,"
    " refund_failed_at = case when refund_state = 'failed' then now() end where sn = %s"
)


@pytest.fixture
def before(postgres, request):
    """A database of before, and a function that puts a paid order with a payment into it."""
    url = database_at(postgres, request.node.name[:50], "0001_tables")

    def order(sn, *, state=1, refund="none", is_open=False, status=1, request_sn=None, cause="buyer", payment=None):
        values = {"sn": sn, "first": 1, "end": 2, "homestay": 7, "state": state, "sold_by": 0, "people": 1}
        asked = {"payment": payment or sn, "status": status, "request": request_sn, "cause": request_sn and cause}
        with psycopg.connect(url) as connection:
            connection.execute(ORDER, values)
            connection.execute(PAYMENT, asked | {"sn": sn})
            connection.execute(ASKED, (refund, is_open, sn))

    return url, order


def rows(url, query):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return [tuple(row.values()) for row in connection.execute(query).fetchall()]


def test_orders_of_before_are_flexible_and_every_refund_was_of_all(before):
    url, order = before
    order("none")
    order("asked", refund="asked", is_open=True)
    order("agreed", refund="agreed", is_open=True, request_sn="R1")
    order("failed", refund="failed", request_sn="R2")
    order("refunded", state=3, refund="agreed", status=2, request_sn="R3")
    order("late", state=-1, request_sn="R4", cause="late-payment", payment="P-late")

    migrate.upgrade("order", url)

    query = "select sn, cancel_policy, refund_fen, refund_least_fen, refunded_fen from homestay_order order by id"
    assert rows(url, query) == [
        ("none", "flexible", None, None, 0),
        ("asked", "flexible", 100, 100, 0),
        ("agreed", "flexible", 100, None, 0),
        ("failed", "flexible", 100, None, 0),
        ("refunded", "flexible", 100, None, 100),
        ("late", "flexible", None, None, 0),
    ]
    query = "select request_sn, payment_sn, cause, refund_fen, state from order_refund order by request_sn"
    assert rows(url, query) == [
        ("R1", "agreed", "buyer", 100, "requested"),
        ("R2", "failed", "buyer", 100, "failed"),
        ("R3", "refunded", "buyer", 100, "returned"),
        ("R4", "P-late", "late-payment", 100, "requested"),
    ]
    assert rows(url, "select payment_sn, refunded_fen from order_payment where refunded_fen > 0") == [("refunded", 100)]
