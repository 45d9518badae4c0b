"""`minsu trace`: which traces belong to a number, and how they are drawn."""

import io
import json

import httpx
import pytest
from rich.console import Console

from minsu import traces, waterfall
from minsu.errors import CommandFailed

ORDER, PAYMENT, OTHER = "HSO2026112309302612345678", "PMT2026112309302612345678", "HSO2026112309302600000000"
BOOKED, PREPAID, SETTLED = "b" * 32, "c" * 32, "d" * 32
START = 1_795_000_000_000_000


def span(trace, number, parent, service, name, at, took, *, links=(), **tags):
    """As Jaeger's API tells a span; times in milliseconds after START."""
    references = [{"refType": "CHILD_OF", "traceID": trace, "spanID": parent}] if parent else []
    references += [{"refType": "FOLLOWS_FROM", "traceID": to, "spanID": "0" * 16} for to in links]
    return {
        "traceID": trace,
        "spanID": number,
        "operationName": name,
        "references": references,
        "startTime": START + at * 1000,
        "duration": took * 1000,
        "tags": [{"key": key.replace("__", "."), "type": "string", "value": value} for key, value in tags.items()],
        "processID": service,
    }


PROCESSES = ("gateway", "order", "payment", "travel")
WORLD = {
    BOOKED: [
        span(BOOKED, "b1", "", "gateway", "POST /order/v1/homestayOrder/createHomestayOrder", 0, 40),
        span(BOOKED, "b2", "b1", "order", "POST /v1/homestayOrder/createHomestayOrder", 5, 30, minsu__order_sn=ORDER),
        span(BOOKED, "b3", "b2", "travel", "POST /internal/quote", 10, 8),
    ],
    PREPAID: [
        span(PREPAID, "c1", "", "payment", "prepay", 2000, 90, minsu__order_sn=ORDER, minsu__payment_sn=PAYMENT),
    ],
    SETTLED: [
        span(SETTLED, "d2", "d1", "payment", "settle", 9001, 9, links=[PREPAID], minsu__payment_sn=PAYMENT),
        span(SETTLED, "d3", "d2", "payment", "UPDATE minsu", 9005, 2, error=True, otel__status_description="deadlock"),
        span(SETTLED, "d4", "d1", "payment", "settle", 9002, 1, minsu__order_sn=OTHER, minsu__payment_sn="PMT1"),
        span(SETTLED, "d1", "", "payment", "POST /callback", 9000, 12),
    ],
    "e" * 32: [span("e" * 32, "e1", "", "order", "POST /other", 0, 1, minsu__order_sn=OTHER)],
}


def jaeger(world=WORLD):
    asked = []

    def respond(request):
        if request.url.path == "/api/services":
            return httpx.Response(200, json={"data": [*PROCESSES, "order-daprd"] if world else None})
        service, tags = request.url.params["service"], json.loads(request.url.params["tags"])
        asked.append((service, tags))
        [(key, value)] = tags.items()
        wanted = {"key": key, "type": "string", "value": value}
        found = [
            {"traceID": trace, "spans": spans, "processes": {name: {"serviceName": name} for name in PROCESSES}}
            for trace, spans in world.items()
            if any(one["processID"] == service and wanted in one["tags"] for one in spans)
        ]
        return httpx.Response(200, json={"data": found})

    return traces.Jaeger("http://jaeger.test", transport=httpx.MockTransport(respond)), asked


def drawn(found, width=120):
    out = io.StringIO()
    waterfall.show(Console(file=out, width=width, highlight=False), found)
    return out.getvalue()


@pytest.mark.parametrize(
    ("sn", "ids"),
    [(ORDER, [BOOKED, PREPAID, SETTLED]), (PAYMENT, [BOOKED, PREPAID, SETTLED]), (OTHER, ["e" * 32, SETTLED])],
)
def test_an_order_finds_its_payments_traces_and_a_payment_its_orders(sn, ids):
    assert [trace.trace_id for trace in jaeger()[0].of(sn)] == ids


def test_sidecars_are_not_asked_for_numbers_and_strangers_of_a_batch_are_not_followed():
    asked = (made := jaeger())[1]
    made[0].of(ORDER)
    assert {service for service, _ in asked} == {"gateway", "order", "payment", "travel"}
    assert {next(iter(tags.values())) for _, tags in asked} == {ORDER, PAYMENT}


def test_spans_stand_under_their_parents_in_the_order_of_their_start():
    [*_, settled] = jaeger()[0].of(ORDER)
    assert [(depth, span.span_id) for depth, span in settled.in_order()] == [(0, "d1"), (1, "d2"), (2, "d3"), (1, "d4")]
    assert [span.error for _, span in settled.in_order()] == ["", "", "deadlock", ""]
    assert [span.links for _, span in settled.in_order()][1] == ((PREPAID, "0" * 16),)
    assert (settled.started_at, settled.duration) == (START + 9_000_000, 12_000)


def test_a_span_whose_parent_was_not_kept_stands_at_the_edge():
    lonely = {BOOKED: [span(BOOKED, "b3", "b2", "travel", "POST /internal/quote", 10, 8, minsu__order_sn=ORDER)]}
    [trace] = jaeger(lonely)[0].of(ORDER)
    assert [(depth, span.span_id) for depth, span in trace.in_order()] == [(0, "b3")]


def test_the_waterfall_has_a_line_for_each_span_with_its_place_and_what_failed():
    lines = drawn(jaeger()[0].of(ORDER)).splitlines()
    assert [line.split("  ")[0] for line in lines if line.startswith("trace")] == [
        f"trace {BOOKED}", f"trace {PREPAID}", f"trace {SETTLED}"
    ]  # fmt: skip
    assert lines[5].endswith("(+2.00 s)  1 span, 90.0 ms")
    [quote] = [line for line in lines if "/internal/quote" in line]
    assert quote.startswith("travel       POST /internal/quote ")
    assert quote.split()[3:7] == ["10.0", "ms", "8.0", "ms"]
    [failed] = [line for line in lines if "deadlock" in line]
    assert "✗ deadlock" in failed
    [settle] = [line for line in lines if "linked" in line]
    assert "settle ⇠ 1 linked" in settle
    assert max(map(len, lines)) <= 120


def test_a_narrow_terminal_still_shows_the_names():
    [quote] = [line for line in drawn(jaeger()[0].of(ORDER), 80).splitlines() if "/internal/quote" in line]
    assert quote.startswith("travel     POST /internal/quote ")
    assert len(quote) <= 80


@pytest.mark.parametrize("sn", [ORDER, "RFD2026112309302612345678"])
def test_a_number_without_a_trace_is_said_in_one_line(sn):
    for world in (WORLD, {}):
        if world and sn == ORDER:
            continue
        with pytest.raises(CommandFailed, match=f"no trace of {sn} at http://jaeger.test"):
            jaeger(world)[0].of(sn)


def test_what_is_no_number_of_ours_is_refused_without_asking():
    made, asked = jaeger()
    with pytest.raises(CommandFailed, match="is not a number of an order"):
        made.of("4200001234")
    assert asked == []


@pytest.mark.parametrize("body", [b"<html>", b"", b"{}"])
def test_what_is_no_jaeger_is_said(body):
    def respond(_):
        return httpx.Response(200 if body != b"{}" else 404, content=body)

    made = traces.Jaeger("http://jaeger.test", transport=httpx.MockTransport(respond))
    with pytest.raises(CommandFailed, match="aeger"):
        made.of(ORDER)
