"""A night is bought on the whole system: Jaeger has one trace from the booking to both messages, every hop through sidecars
and Kafka in its place, and `minsu trace` shows it by any of its numbers."""

import json

import pytest

from minsu.errors import CommandFailed
from tests.observability.trees import Tree
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
CREATE = "/order/v1/homestayOrder/createHomestayOrder"
PREPAY = "/payment/v1/thirdPayment/thirdPaymentWxPay"
PAID, STATE = "payment-update-paystatus-topic", "order-update-tradestate-topic"


@pytest.fixture(scope="module")
def bought(system, jaeger):
    """(order's number, payment's number, trees of the traces: of the purchase, of the cashier's request, of WeChat's
    callback)."""
    order_sn = system.book()
    payment_sn = system.prepay(order_sn)["paymentSn"]
    system.tap_pay(payment_sn)

    def whole():
        """Once both messages' spans are there, all that they follow from, and each of the three traces."""
        try:
            trees = [Tree(trace) for trace in jaeger.of(order_sn)]
        except CommandFailed:
            return None
        [paid] = [tree for tree in trees if tree.all("payment", "settle payment")] or [None]
        there = paid and len(paid.all("notification", "send message")) == 2 and len(trees) == 3
        return trees if there and all(tree.is_whole() for tree in trees) else None

    eventually(lambda: system.order(order_sn)["tradeCode"], seconds=30, what="the order is paid")
    return order_sn, payment_sn, eventually(whole, seconds=60, what="the traces are in Jaeger")


@pytest.fixture
def purchase(bought):
    return bought[2][0]


@pytest.fixture
def cashier(bought):
    return bought[2][1]


@pytest.fixture
def callback(bought):
    return bought[2][2]


def test_a_booking_goes_from_the_gateway_through_both_sidecars_to_order_and_on_to_travel(purchase, bought):
    [root] = purchase.roots()
    assert (root.service, root.name) == ("gateway", f"POST {CREATE}")
    order = purchase.one("order", f"POST {CREATE}")
    assert purchase.path(order) == ["gateway", "gateway-daprd", "order-daprd", "order"]
    assert order.attributes["minsu.order_sn"] == bought[0]
    travel = purchase.one("travel", "POST /internal/homestaySnapshot")
    assert purchase.stands_below(travel, order)
    assert purchase.path(travel)[-4:] == ["order", "order-daprd", "travel-daprd", "travel"]


def test_the_cashiers_request_asks_order_and_is_linked_to_the_payment_that_it_started(cashier, purchase, bought):
    [root] = cashier.roots()
    assert (root.service, root.name) == ("gateway", f"POST {PREPAY}")
    prepay = cashier.one("payment", f"POST {PREPAY}")
    assert cashier.path(prepay) == ["gateway", "gateway-daprd", "payment-daprd", "payment"]
    assert [prepay.attributes[f"minsu.{kind}_sn"] for kind in ("order", "payment")] == list(bought[:2])
    payable = cashier.one("order", "POST /internal/payable")
    assert cashier.path(payable)[-4:] == ["payment", "payment-daprd", "order-daprd", "order"]
    assert purchase.one("payment", "start payment").links == ((cashier.trace.trace_id, prepay.span_id),)


def test_the_payment_is_started_in_the_trace_of_its_booking_and_reaches_wechat_there(purchase, bought, system):
    started = purchase.one("payment", "start payment")
    assert purchase.stands_below(started, purchase.one("order", f"POST {CREATE}"))
    assert [started.attributes[f"minsu.{kind}_sn"] for kind in ("order", "payment")] == list(bought[:2])
    wechat = f"{system.environment['WXPAY_BASE_URL']}/v3/pay/transactions/jsapi"
    [called] = [span for span in purchase.trace.spans if span.attributes.get("url.full") == wechat]
    assert (called.service, called.attributes["span.kind"]) == ("payment", "client")
    assert purchase.stands_below(called, started)


def test_the_callback_has_a_trace_of_its_own_that_the_settling_is_linked_to(purchase, callback, bought):
    [root] = callback.roots()
    assert (root.service, root.name) == ("payment", f"POST {PREPAY}Callback")
    assert root.attributes["minsu.payment_sn"] == bought[1]
    settled = purchase.one("payment", "settle payment")
    assert purchase.stands_below(settled, purchase.one("payment", "start payment"))
    assert {trace for trace, _ in settled.links} == {callback.trace.trace_id}
    assert root.span_id in {span for _, span in settled.links}


def test_what_follows_from_the_settling_is_a_chain_through_kafka_to_both_messages(purchase, bought):
    settled = purchase.one("payment", "settle payment")
    confirmed = purchase.one("order", f"process {PAID}")
    planned = purchase.one("notification", f"process {STATE}")
    messages = purchase.all("notification", "send message")
    assert purchase.stands_below(confirmed, settled)
    assert purchase.stands_below(planned, confirmed)
    assert all(purchase.stands_below(message, planned) for message in messages)
    assert {message.attributes["minsu.message"] for message in messages} == {"paid", "before_arrival"}
    for published, topic, cause in (("payment", PAID, settled), ("order", STATE, confirmed)):
        assert purchase.stands_below(purchase.one(published, f"publish {topic}"), cause)
    for consumer, topic, cause in (("order", PAID, settled), ("notification", STATE, confirmed)):
        hop = purchase.one(f"{consumer}-daprd", f"pubsub/{topic}")
        assert purchase.stands_below(hop, cause)
    assert [span for span in purchase.trace.spans if span.error] == []


def test_minsu_trace_prints_it_by_each_of_its_numbers_and_fails_for_a_number_without_one(system, bought):
    order_sn, payment_sn, trees = bought
    ids = [tree.trace.trace_id for tree in trees]
    for number in (order_sn, payment_sn):
        told = json.loads(system.cli("minsu", "trace", number, "--json").stdout)
        assert [each["trace_id"] for each in told] == ids, number
    drawn = system.cli("minsu", "trace", order_sn).stdout
    assert [line.split()[1] for line in drawn.splitlines() if line.startswith("trace ")] == ids
    assert len([line for line in drawn.splitlines() if "send message" in line]) == 2

    unpaid = system.cli("minsu", "trace", "HSO2000010100000000000000", check=False)
    assert (unpaid.returncode, unpaid.stdout) == (1, "")
    assert unpaid.stderr.startswith("error: no trace of HSO2000010100000000000000 at ")
