"""Python runs this first in a service that `make bench ONLY=tracing` starts with this folder on PYTHONPATH: everything that
reads, writes or keeps a trace's context returns the same constant at once. What tracing costs where it is off is compared
with it.

Nothing in the product knows of it: `stack up`, started so too, hands the folder on to what it starts.
"""

import sys
from pathlib import Path
from typing import Any

from opentelemetry.trace import INVALID_SPAN

from servicekit.telemetry import traces

if sys.orig_argv[1:3] == ["-m", "stack"]:
    import stack.environment

    inherited = stack.environment.inherited
    stack.environment.inherited = lambda: inherited() | {"PYTHONPATH": str(Path(__file__).parent)}

CONTEXT = traces.SpanContext(1, 1, is_remote=True)
KEPT = traces.TraceContext(f"00-{1:032x}-{1:016x}-00")
"""Well-formed: daprd replaces what is none, and so would do more than for a context of ours."""


class _Block:
    """A block without a span; `yields` is what it gives."""

    def __init__(self, yields: Any) -> None:
        self._yields = yields

    def __enter__(self) -> Any:
        return self._yields

    def __exit__(self, *_: object) -> None:
        pass


SPAN, WHERE = _Block(INVALID_SPAN), _Block(CONTEXT)


def _always(value: Any) -> Any:
    return lambda *_, **__: value


for name, replaced in {
    "parsed": _always(CONTEXT),
    "written": _always(KEPT),
    "passed_on": _always(KEPT),
    "current": _always(KEPT),
    "current_context": _always(CONTEXT),
    "current_id": _always(""),
    "inject": lambda headers: headers.update(traceparent=KEPT.traceparent),
    "begin": _always(INVALID_SPAN),
    "enter": _always(None),
    "using": _always(SPAN),
    "span": _always(SPAN),
    "batch": _always(SPAN),
    "resumed": _always(WHERE),
    "note": _always(None),
    "review": _always(None),
    "fail_current": _always(None),
    "fail": _always(None),
}.items():
    assert callable(getattr(traces, name))
    setattr(traces, name, replaced)
