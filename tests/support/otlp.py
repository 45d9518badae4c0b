"""A collector of spans for tests: takes OTLP over HTTP, from our services and their sidecars, and keeps what it is sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass(frozen=True)
class Sent:
    """One span; `text` is all that it says, as one string."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: frozenset[tuple[str, str]]
    """Trace and span."""
    attributes: dict[str, Any]
    failed: bool
    text: str


class Collector:
    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: dict[str, Sent] = {}
        self._lock = threading.Lock()

    @property
    def spans(self) -> list[Sent]:
        with self._lock:
            return list(self._spans.values())

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = {each.key: _plain(each.value) for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    sent = Sent(
                        service=str(about.get("service.name", "")),
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        links=frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                        attributes={each.key: _plain(each.value) for each in span.attributes},
                        failed=span.status.code == span.status.STATUS_CODE_ERROR,
                        text=f"{resource.resource} {scope.scope} {span}",
                    )
                    with self._lock:
                        self._spans[sent.id] = sent

    def of(self, service: str, name: str, **attributes: object) -> list[Sent]:
        """The spans of this name, with these attributes (`order_sn` is `minsu.order_sn`)."""
        wanted = {f"minsu.{each}": value for each, value in attributes.items()}
        return [
            span
            for span in self.spans
            if (span.service, span.name) == (service, name) and wanted.items() <= span.attributes.items()
        ]

    def above(self, span: Sent) -> list[Sent]:
        """Its parent, that one's parent, and so on; ends where the trace begins, or a span was not sent."""
        by_id = {each.id: each for each in self.spans}
        found: list[Sent] = []
        while (parent := by_id.get(span.parent)) is not None:
            found.append(parent)
            span = parent
        return found


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listens on loopback until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
