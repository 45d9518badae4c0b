"""What tracing costs, as the benchmark says it; and its receiver counts what OpenTelemetry's exporter really sends."""

import gzip

import httpx
import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.bench import spans, tracing
from tests.bench.bursts import Burst
from tests.bench.client import Answers
from tests.bench.figures import rows_of
from tests.bench.seeding import Orders
from tests.bench.spans import Taken
from tests.bench.tracing import Measured


@pytest.fixture
def sink():
    with spans.receiving() as receiver:
        yield receiver


def test_the_receiver_counts_every_span_and_octet_that_an_exporter_sends(sink):
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{sink.url}/v1/traces"), max_export_batch_size=4))
    tracer = provider.get_tracer("bench")
    for number in range(10):
        with tracer.start_as_current_span("settle payment", Context(), attributes={"minsu.order_sn": f"HSO{number}"}):
            tracer.start_span("publish").end()
    assert provider.force_flush(60_000)
    provider.shutdown()

    taken = sink.taken()
    assert (taken.requests, taken.spans) == (5, 20)
    assert taken.octets > 20 * 100


def test_the_receiver_reads_gzip_and_refuses_what_is_no_protobuf(sink):
    # resource_spans { scope_spans { spans {} spans {} } }, and an unknown field
    body = bytes([0x0A, 6, 0x12, 4, 0x12, 0, 0x12, 0, 0x78, 1])
    packed = httpx.post(f"{sink.url}/v1/traces", content=gzip.compress(body), headers={"content-encoding": "gzip"})
    broken = httpx.post(f"{sink.url}/v1/traces", content=body[:3])
    assert (packed.status_code, broken.status_code) == (200, 400)
    taken = sink.taken()
    assert (taken.requests, taken.octets, taken.spans) == (1, len(body), 2)


def measured(payment_ms, messages_ms, taken):
    answers = Answers(2.0, 1000, {"204": 1000}, 30.0, 80.0, 90.0, 0.1, ())
    orders = Orders("20300101", 0, 1000, 10_000)
    return Measured(Burst(orders, answers, 2.5, 1000, payment_ms, messages_ms, {}, {}), taken)


def test_each_is_compared_with_tracing_off_and_the_receiver_is_counted_apart():
    found = tracing.figures(
        {
            "left out": measured({"payment": 0.5, "order": 0.4}, {"notification": 0.7}, Taken()),
            "off": measured({"payment": 0.5, "order": 0.5}, {"notification": 1.0}, Taken()),
            "at 1 %": measured({"payment": 0.6, "order": 0.5}, {"notification": 1.0}, Taken(2, 5000, 120, 0.01)),
            "at 100 %": measured(
                {"payment": 1.0, "order": 1.0}, {"notification": 2.0}, Taken(50, 900_000, 12_000, 0.5)
            ),
        }
    )
    told = {figure.name: (figure.unit, round(figure.value, 6), figure.note) for figure in found}
    assert [row.is_met for row in rows_of(found) if row.target] == [False]
    answers = "answers {'204': 1000}, p50 30 ms, p99 80 ms"
    assert told == {
        "callbacks accepted, tracing left out": ("/s", 500, answers),
        "processor time of a payment, tracing left out": ("ms", 0.9, ""),
        "processor time of its messages, tracing left out": ("ms", 0.7, ""),
        "callbacks accepted, tracing off": ("/s", 500, answers),
        "processor time of a payment, tracing off": ("ms", 1.0, ""),
        "processor time of its messages, tracing off": ("ms", 1.0, ""),
        "callbacks accepted, tracing at 1 %": ("/s", 500, answers),
        "processor time of a payment, tracing at 1 %": ("ms", 1.1, ""),
        "processor time of its messages, tracing at 1 %": ("ms", 1.0, ""),
        "callbacks accepted, tracing at 100 %": ("/s", 500, answers),
        "processor time of a payment, tracing at 100 %": ("ms", 2.0, ""),
        "processor time of its messages, tracing at 100 %": ("ms", 2.0, ""),
        "a payment with its messages, tracing off of left out": ("%", 125.0, "1.60 → 2.00 ms"),
        "a payment with its messages, tracing at 1 % of off": ("%", 105.0, "2.00 → 2.10 ms"),
        "its spans' receiver, tracing at 1 %": ("ms", 0.01, "0.12 spans and 5 bytes a payment in 2 requests"),
        "a payment with its messages, tracing at 100 % of off": ("%", 200.0, "2.00 → 4.00 ms"),
        "its spans' receiver, tracing at 100 %": ("ms", 0.5, "12.00 spans and 900 bytes a payment in 50 requests"),
    }


def test_what_the_receiver_took_in_a_burst_is_what_it_took_since():
    assert Taken(5, 700, 30, 1.5).since(Taken(2, 300, 10, 0.5)) == Taken(3, 400, 20, 1.0)
