"""A night is bought on a system of its own whose services and sidecars send their spans here: what each step follows from,
and that no span holds a secret or anything personal."""

from pathlib import Path

import pytest

from tests.support.otlp import collecting
from tests.support.stack import own_stack
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
CREATE, PAY = "/order/v1/homestayOrder/createHomestayOrder", "/payment/v1/thirdPayment/thirdPaymentWxPay"
PAID, STATE = "payment-update-paystatus-topic", "order-update-tradestate-topic"


@pytest.fixture(scope="module")
def collector():
    with collecting() as listening:
        yield listening


@pytest.fixture(scope="module")
def system(collector):
    with own_stack(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="200") as environment:
        running = System(environment)
        yield running
        running.close()


@pytest.fixture(scope="module")
def bought(system, collector):
    """(order number, payment number) of a night whose messages were sent, all of it in the collector."""
    order_sn = system.book()
    payment_sn = system.prepay(order_sn)["paymentSn"]
    system.tap_pay(payment_sn)
    sent = lambda: len(collector.of("notification", "send message", order_sn=order_sn)) == 2  # noqa: E731
    eventually(sent, what="the spans of both messages")
    return order_sn, payment_sn


@pytest.fixture
def order(collector, bought):
    """Order's span of the booking: the trace of the purchase."""
    [booked] = collector.of("order", f"POST {CREATE}", order_sn=bought[0])
    return booked


def test_booking_is_one_trace_through_the_sidecars(collector, order):
    above = collector.above(order)
    [gateway] = [
        span for span in above if span.service == "gateway" and span.name.startswith("POST ") and not span.parent
    ]
    assert {span.service for span in above} >= {"gateway", "gateway-daprd"}
    asked = [span for span in collector.spans if span.service == "travel" and order in collector.above(span)]
    assert {span.name for span in asked} >= {"POST /internal/homestaySnapshot"}
    assert {span.trace for span in [*asked, *above]} == {gateway.trace}


def test_a_purchase_is_one_trace_from_the_booking_to_wechat_and_both_messages(collector, bought, order):
    order_sn, payment_sn = bought
    [started] = collector.of("payment", "start payment", order_sn=order_sn, payment_sn=payment_sn)
    called = [span for span in collector.spans if span.service == "payment" and started in collector.above(span)]
    assert any("/v3/pay/transactions/jsapi" in str(span.attributes.get("url.full")) for span in called)
    [settled] = collector.of("payment", "settle payment", order_sn=order_sn, payment_sn=payment_sn)
    [published] = [span for span in collector.of("payment", f"publish {PAID}") if span.trace == order.trace]
    [confirmed] = collector.of("order", f"process {PAID}", order_sn=order_sn, payment_sn=payment_sn)
    [told] = [span for span in collector.of("order", f"publish {STATE}") if span.trace == order.trace]
    [planned] = collector.of("notification", f"process {STATE}", order_sn=order_sn)
    messages = collector.of("notification", "send message", order_sn=order_sn)
    assert {span.attributes["minsu.message"] for span in messages} == {"paid", "before_arrival"}

    assert (started.parent, settled.parent) == (order.id, started.id)
    for later, earlier in [(published, settled), (confirmed, settled), (told, confirmed), (planned, confirmed)]:
        assert earlier in collector.above(later), (later.name, [span.name for span in collector.above(later)])
    for message in messages:
        assert planned in collector.above(message)
    steps = (started, settled, published, confirmed, told, planned, *messages)
    assert {span.trace for span in steps} == {order.trace}


def test_the_request_of_the_cashier_is_linked_to_the_payment_that_it_started(collector, bought, order):
    """A request at a public door begins a trace: whose order it is about is known only inside."""
    order_sn, payment_sn = bought
    [started] = collector.of("payment", "start payment", order_sn=order_sn)
    [prepay] = collector.of("payment", f"POST {PAY}", order_sn=order_sn, payment_sn=payment_sn)
    assert started.links == {(prepay.trace, prepay.id)}
    assert {span.service for span in collector.above(prepay)} == {"gateway", "gateway-daprd", "payment-daprd"}
    asked = [span for span in collector.of("order", "POST /internal/payable") if prepay in collector.above(span)]
    assert len(asked) == 1
    assert prepay.trace != order.trace


def test_the_callback_is_linked_to_what_it_settled(collector, bought):
    _, payment_sn = bought
    [settled] = collector.of("payment", "settle payment", payment_sn=payment_sn)
    [callback] = [span for span in collector.spans if (span.trace, span.id) in settled.links and not span.parent]
    assert (callback.service, callback.name) == ("payment", f"POST {PAY}Callback")
    assert callback.attributes["minsu.payment_sn"] == payment_sn
    assert callback.trace != settled.trace


def test_the_hop_through_the_sidecar_and_kafka_is_seen(collector, bought):
    order_sn, _ = bought
    [settled] = collector.of("payment", "settle payment", order_sn=order_sn)
    hops = [span for span in collector.spans if span.name == f"pubsub/{PAID}" and span.trace == settled.trace]
    assert [(span.service, span.parent) for span in hops] == [("order-daprd", settled.id)]


def test_no_span_holds_a_secret_or_what_names_a_user(system, collector, bought):
    order_sn, _ = bought
    environment = system.environment
    forbidden = {
        name: environment[name]
        for name in environment
        if name.endswith(("_OPENID", "_MOBILE", "_PASSWORD", "_SECRET", "_KEY"))
    }
    for file in Path(environment["RUN_DIR"], "env").glob("*.env"):
        lines = (line.partition("=") for line in file.read_text().splitlines())
        forbidden |= {f"{file.name} {name}": value.strip("'") for name, _, value in lines if name.endswith("_TOKEN")}
    forbidden["check-in code"] = system.order(order_sn)["tradeCode"]
    forbidden["access token"] = system.bearer("BUYER")["Authorization"].removeprefix("Bearer ")
    assert len(forbidden) > 20
    said = [
        (name, span.service, span.name)
        for span in collector.spans
        for name, value in forbidden.items()
        if value and value in span.text
    ]
    assert said == []
