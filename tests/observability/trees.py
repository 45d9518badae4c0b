"""A trace as tests read it: which span stands where."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from minsu.traces import Span, Trace


@dataclass
class Tree:
    trace: Trace
    _by_id: dict[str, Span] = field(init=False)

    def __post_init__(self) -> None:
        self._by_id = {span.span_id: span for span in self.trace.spans}

    def all(self, service: str, name: str) -> list[Span]:
        """By start. `name` is the whole name of the span."""
        found = [span for span in self.trace.spans if (span.service, span.name) == (service, name)]
        return sorted(found, key=lambda span: span.started_at)

    def one(self, service: str, name: str) -> Span:
        found = self.all(service, name)
        assert len(found) == 1, f"{len(found)} spans {service} {name} in\n{self}"
        return found[0]

    def above(self, span: Span) -> Iterator[Span]:
        """Its parent, that one's parent and so on, to the root."""
        while span.parent_id:
            assert span.parent_id in self._by_id, f"{span.service} {span.name} lacks its parent in\n{self}"
            span = self._by_id[span.parent_id]
            yield span

    def path(self, span: Span) -> list[str]:
        """The services on its way from the root, each once in a row: gateway, gateway-daprd, order-daprd, order."""
        services = [one.service for one in reversed([span, *self.above(span)])]
        return [name for place, name in enumerate(services) if place == 0 or services[place - 1] != name]

    def stands_below(self, span: Span, upper: Span) -> bool:
        return upper in list(self.above(span))

    def roots(self) -> list[Span]:
        return [span for depth, span in self.trace.in_order() if depth == 0]

    def is_whole(self) -> bool:
        """Whether every span's parent is there: one that was not exported yet leaves its children as roots."""
        return all(not root.parent_id for root in self.roots())

    def __str__(self) -> str:
        return "\n".join(f"{'  ' * depth}{span.service} {span.name}" for depth, span in self.trace.in_order())
