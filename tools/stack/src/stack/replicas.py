"""More than one of a service on one machine: the same app-id, settings and secrets, on ports of its own."""

from __future__ import annotations

from collections.abc import Iterator

from stack import daprfile
from stack.layout import MOST_REPLICAS, PORT_NAMES, Layout


def named(apps: list[daprfile.App], layout: Layout) -> Iterator[tuple[str, daprfile.App]]:
    """(`order`, …), then (`order-2`, …) for as many as the layout has ports for."""
    for app in apps:
        yield app.id, app
        for number in range(2, MOST_REPLICAS + 1):
            name = f"{app.id}-{number}"
            if name in layout.ports:
                ports = {field: layout.port(name + suffix) for field, suffix in PORT_NAMES.items()}
                yield name, daprfile.App({**app.fields, **ports})


def service_of(part: str) -> str:
    """`order-2` → `order`."""
    service, _, number = part.rpartition("-")
    return service if number.isdigit() else part
