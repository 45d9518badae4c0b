"""A service in a process of its own sends its spans to a collector, and never waits for one that is gone."""

import signal
import time

import httpx

from tests.support.otlp import collecting
from tests.support.ports import free_port
from tests.support.served import serving

SERVED = "tests.service.servicekit.served"
RARELY = {"OTEL_BSP_SCHEDULE_DELAY": 600_000, "DRAIN_SECONDS": 0}


def test_what_is_left_is_sent_when_the_service_ends():
    with collecting() as collector, serving(SERVED, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **RARELY) as served:
        answer = httpx.post(f"{served.url}/page?token=secret", content=b"secret", timeout=10)
        assert answer.status_code == 200
        assert collector.spans == []
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(60)
        [span] = collector.of("payment", "POST /page")
    assert (span.trace, span.parent, span.failed) == (answer.headers["trace-id"], "", False)
    assert "secret" not in span.text


def test_a_collector_that_is_gone_delays_neither_a_request_nor_the_end():
    gone = f"http://127.0.0.1:{free_port()}"
    with serving(SERVED, OTEL_EXPORTER_OTLP_ENDPOINT=gone, **RARELY) as served:
        for _ in range(3):
            assert httpx.post(f"{served.url}/page", timeout=10).status_code == 200
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        served.process.wait(60)
        assert time.monotonic() - began < 20
