"""Each message is sent in the trace of the event that it is about, whatever else its batch sends."""

import json

import httpx

from servicekit.testing import SIDECAR_HEADERS
from tests.service.notification.conftest import World, event
from tests.service.notification.wechat import PAID, answer
from tests.support.tracing import ids, links, recording

SNS = ("HSO2026112309302600000001", "HSO2026112309302600000002")


def traced(sn: str) -> dict[str, object]:
    number = int(sn[-8:])
    return event(1, sn=sn) | {"traceparent": f"00-{number:032x}-{number:016x}-01", "tracestate": "vendor=1"}


async def test_messages_of_a_batch_go_out_in_the_traces_of_their_orders(world: World) -> None:
    service = await world.start()
    entries = [{"entryId": sn, "event": traced(sn)} for sn in SNS]
    with recording(ratio=0) as recorded:
        response = await service.http.post("/events/order-state", json={"entries": entries}, headers=SIDECAR_HEADERS)
        assert response.status_code == 200
        await service.courier.idle()
    planned = {span.context.trace_id: span for span in recorded.named("process order-update-tradestate-topic")}
    sent = {
        (span.attributes["minsu.order_sn"], span.attributes["minsu.message"]): span
        for span in recorded.named("send message")
    }
    assert set(sent) == {(sn, kind) for sn in SNS for kind in ("paid", "before_arrival")}
    for (sn, _), span in sent.items():
        number = int(sn[-8:])
        assert (span.context.trace_id, span.parent.span_id) == ids(planned[number])
        assert span.context.trace_state.to_header() == "vendor=1"
    assert {trace for span in recorded.named("prepare messages") for trace, _ in links(span)} == {1, 2}


async def test_messages_that_are_refused_fail_their_spans_alone_and_are_kept(world: World) -> None:
    service = await world.start()
    accepting = world.wechat.send

    async def send(request: httpx.Request) -> httpx.Response:
        message = json.loads(request.content)
        refused = message["template_id"] == PAID and SNS[0] in json.dumps(message["data"])
        return answer(43101, "user refuse to accept the msg") if refused else await accepting(request)

    world.wechat.send = send  # type: ignore[method-assign]  # stands where the answer is made
    unsampled = [
        {"entryId": sn, "event": traced(sn) | {"traceparent": f"00-{int(sn[-8:]):032x}-{1:016x}-00"}} for sn in SNS
    ]
    with recording(ratio=0) as recorded:
        await service.http.post("/events/order-state", json={"entries": unsampled}, headers=SIDECAR_HEADERS)
        await service.courier.idle()
    refused = service.rows(
        "select order_sn, kind from delivery_attempt a join notification_task t on t.id = a.task_id"
        " where outcome = 'refused'"
    )
    assert (SNS[0], "paid") in {(row["order_sn"], row["kind"]) for row in refused}
    kept = [(span.name, span.context.trace_id, dict(span.attributes)) for span in recorded.spans]
    assert sorted(kept, key=str) == sorted(
        (
            (
                "send message",
                int(row["order_sn"][-8:]),
                {"minsu.order_sn": row["order_sn"], "minsu.message": row["kind"], "error.type": "refused"},
            )
            for row in refused
        ),
        key=str,
    )
