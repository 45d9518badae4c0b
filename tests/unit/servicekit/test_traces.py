"""Traces: whose context is continued, what is sampled and kept, and what no span may say."""

import asyncio

import pytest
from fastapi import APIRouter, Request
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit.app import build
from servicekit.clock import utc_now
from servicekit.collector import Collector
from servicekit.errors import NotFound, Unavailable
from servicekit.events import LARGEST_BATCH
from servicekit.settings import ServiceSettings
from servicekit.telemetry import traces
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, Tokens, client
from tests.support.metrics import value
from tests.support.tracing import ids, links, recording

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
SAMPLED, UNSAMPLED = f"00-{TRACE:032x}-{SPAN:016x}-01", f"00-{TRACE:032x}-{SPAN:016x}-00"
DURATION = "http_server_request_duration_seconds"
router = APIRouter()


@router.post("/page/{number}")
async def page(number: str, request: Request) -> dict[str, str]:
    traces.note(order_sn="HSO1", payment_sn=None)
    return {"trace": traces.current().traceparent, "host": request.headers["host"]}


@router.post("/missing")
async def missing() -> None:
    raise NotFound("openid o-secret")


@router.post("/down")
async def down() -> None:
    raise Unavailable("openid o-secret")


@router.post("/bug")
async def bug() -> None:
    raise ValueError("openid o-secret")


@pytest.fixture
async def http():
    service = build(
        "order",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN),
        routers=[router],
        sidecar=FakeSidecar(),
        verifier=Tokens().verifier(),
        clock=utc_now,
    )
    async with client(service) as opened:
        yield opened


@pytest.mark.parametrize("broken", [None, "", "garbage", f"00-{0:032x}-{SPAN:016x}-01", f"00-{TRACE:032x}-{0:016x}-01"])
def test_what_is_no_traceparent_is_no_context(broken):
    assert traces.parsed(broken) == traces.NO_CONTEXT


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_context_is_the_propagators_own(flags):
    traceparent = f"00-{TRACE:032x}-{SPAN:016x}-{flags}"
    carried = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context()))
    assert traces.parsed(traceparent) == carried.get_span_context()
    assert traces.parsed(traceparent).is_remote


def test_a_context_comes_back_from_a_row_as_it_was():
    kept = traces.TraceContext(SAMPLED, "vendor=1")
    assert traces.written(traces.parsed(*kept)) == kept
    assert kept.trace_id == f"{TRACE:032x}"


@pytest.mark.parametrize(
    "sent", [SAMPLED, UNSAMPLED, f"00-{TRACE:032x}-{SPAN:016x}-ff", f"01-{TRACE:032x}-{SPAN:016x}-01"]
)
@pytest.mark.parametrize("state", [None, "", "vendor=1", "no list member"])
def test_a_context_is_passed_on_as_it_would_be_read_and_written(sent, state):
    assert traces.passed_on(sent, state) == traces.written(traces.parsed(sent, state))


@pytest.mark.parametrize("broken", [None, "", "garbage", f"00-{0:032x}-{SPAN:016x}-01", f"00-{TRACE:032x}-{0:016x}-01"])
def test_what_follows_from_an_event_without_a_context_begins_a_trace(broken):
    first, second = traces.passed_on(broken), traces.passed_on(broken)
    assert traces.parsed(first.traceparent).is_valid
    assert first.trace_id != second.trace_id


async def test_without_an_sdk_the_sidecars_context_passes_on_as_it_came(http):
    sent = {**SIDECAR_HEADERS, "traceparent": SAMPLED, "tracestate": "vendor=1"}
    response = await http.post("/page/1", headers=sent)
    assert (response.headers["trace-id"], response.json()["trace"]) == (f"{TRACE:032x}", SAMPLED)


async def test_a_request_has_a_span_by_its_route_in_the_sidecars_trace(http):
    with recording(ratio=0) as recorded:
        response = await http.post("/page/secret?token=secret", headers={**SIDECAR_HEADERS, "traceparent": SAMPLED})
    span = recorded.one("POST /page/{number}")
    assert (span.kind, span.parent.span_id, span.context.trace_id) == (SpanKind.SERVER, SPAN, TRACE)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/page/{number}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "minsu.order_sn": "HSO1",
    }
    assert response.json()["trace"] == f"00-{TRACE:032x}-{span.context.span_id:016x}-01"


@pytest.mark.parametrize(("ratio", "sent"), [(1, UNSAMPLED), (0, SAMPLED)])
async def test_a_strangers_context_is_linked_and_decides_nothing(http, ratio, sent):
    with recording(ratio) as recorded:
        response = await http.post("/page/1", headers={"traceparent": sent})
    assert response.headers["trace-id"] != f"{TRACE:032x}"
    assert len(recorded.spans) == ratio
    for span in recorded.spans:
        assert (span.parent, links(span)) == (None, {(TRACE, SPAN)})


@pytest.mark.parametrize(
    ("path", "status", "error"), [("/down", 503, "503"), ("/bug", 500, "ValueError"), ("/missing", 404, None)]
)
async def test_failures_are_kept_whatever_is_sampled_and_say_nothing_of_their_cause(http, path, status, error):
    with recording(ratio=0) as recorded:
        response = await http.post(path, headers={**SIDECAR_HEADERS, "traceparent": UNSAMPLED})
    assert response.status_code == status
    assert [span.attributes["error.type"] for span in recorded.spans] == ([error] if error else [])
    for span in recorded.spans:
        assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, None, ())
        assert "secret" not in span.to_json()


@pytest.mark.parametrize("method", ["PROPFIND", "HSO20261129"])
async def test_a_strangers_method_is_no_series_and_no_name(http, method):
    with recording() as recorded:
        response = await http.request(method, "/page/1")
    assert response.status_code == 405
    [span] = recorded.spans
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP /page/{number}", "_OTHER")
    counted = {"http_route": "/page/{number}", "http_response_status_code": "405"}
    assert value(f"{DURATION}_count", http_request_method=method, **counted) is None
    assert value(f"{DURATION}_count", http_request_method="_OTHER", **counted) > 0


def test_a_review_is_kept_whatever_is_sampled():
    with recording(ratio=0) as recorded:
        with traces.using(traces.begin("settle", traces.parsed(UNSAMPLED))):
            traces.review("amount")
        with traces.using(traces.begin("another", traces.parsed(UNSAMPLED))):
            pass
    [span] = recorded.spans
    assert (span.name, dict(span.attributes), span.context.trace_id) == ("settle", {"minsu.review": "amount"}, TRACE)


def test_a_step_that_raises_is_a_failure_and_a_refusal_is_none():
    with recording() as recorded:
        with pytest.raises(ValueError, match="secret"), traces.span("bug"):
            raise ValueError("secret")
        with pytest.raises(NotFound), traces.span("refused"):
            raise NotFound
    failed, refused = recorded.spans
    assert (failed.status.status_code, dict(failed.attributes)) == (StatusCode.ERROR, {"error.type": "ValueError"})
    assert (refused.status.status_code, dict(refused.attributes)) == (StatusCode.UNSET, {})


def test_a_look_at_the_database_outside_of_any_trace_is_no_trace():
    with recording() as recorded, traces.span("SELECT", kind=SpanKind.CLIENT):
        pass
    assert recorded.spans == []


async def test_what_is_done_together_is_one_span_with_a_link_to_each_and_for_one_alone_its_next_step():
    seen = []

    async def handle(items):
        seen.append(traces.current_context().span_id)
        return items

    collector = Collector(handle, name="settle payments")

    async def submit(item):
        with traces.using(traces.begin(f"request {item}", traces.NO_CONTEXT)):
            return await collector.submit(item)

    with recording() as recorded:
        await submit(0)
        await asyncio.gather(submit(1), submit(2))
    alone, together = recorded.named("settle payments")
    requests = {item: ids(recorded.one(f"request {item}")) for item in range(3)}
    assert seen == [alone.context.span_id, together.context.span_id]
    assert ((alone.context.trace_id, alone.parent.span_id), links(alone)) == (requests[0], set())
    assert (together.parent, links(together)) == (None, {requests[1], requests[2]})


def test_the_largest_batch_is_linked_to_each_of_its_traces():
    contexts = [traces.parsed(f"00-{TRACE + place:032x}-{SPAN:016x}-01") for place in range(8 * LARGEST_BATCH)]
    with recording() as recorded, traces.batch("process topic", contexts):
        pass
    assert links(recorded.one("process topic")) == {(each.trace_id, each.span_id) for each in contexts}


def test_a_resumed_trace_is_linked_to_the_request_that_resumes_it():
    with recording() as recorded:
        request = traces.begin("request", traces.NO_CONTEXT)
        with traces.using(request), traces.resumed("pay", traces.parsed(SAMPLED), attributes={"minsu.n": 1}) as context:
            assert traces.current_context() == context
    [pay] = recorded.named("pay")
    assert (pay.context, pay.parent.span_id, pay.context.trace_id) == (context, SPAN, TRACE)
    assert (links(pay), dict(pay.attributes)) == ({ids(recorded.one("request"))}, {"minsu.n": 1})


def test_without_an_earlier_trace_it_is_a_step_of_the_current_one():
    with (
        recording() as recorded,
        traces.using(traces.begin("request", traces.NO_CONTEXT)),
        traces.resumed("pay", traces.NO_CONTEXT),
    ):
        pass
    pay = recorded.one("pay")
    assert (pay.context.trace_id, pay.parent.span_id) == ids(recorded.one("request"))
    assert links(pay) == set()


def test_without_an_sdk_a_resumed_trace_is_only_passed_on():
    request = traces.begin("request", traces.NO_CONTEXT)
    with traces.using(request):
        with traces.resumed("pay", traces.parsed(SAMPLED)) as context:
            assert traces.current_context() == request.get_span_context()
        with traces.resumed("pay", traces.NO_CONTEXT) as own:
            pass
    assert traces.written(context).traceparent == SAMPLED
    assert own == request.get_span_context()
