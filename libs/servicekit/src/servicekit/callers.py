"""Which app may call which internal method: one list per service, in its endpoints/internal.py. Others get 403.

The caller's own sidecar says who calls (`dapr-caller-app-id`). An app can add a second such header to its call, and can
have both dropped, but it cannot replace its sidecar's: only a single value counts. dapr/access says the same with
identities; a test holds both to the calls in the code.
"""

from collections.abc import Collection, Mapping
from typing import Any

import structlog
from fastapi import Depends, Request

from servicekit.errors import Forbidden

log = structlog.get_logger()
CALLER = "dapr-caller-app-id"
Callers = Mapping[str, Collection[str]]
"""Method → app-ids. A method without any is part of the contract, and closed."""


def only(callers: Callers) -> Any:
    """A router's dependency: lets a method's own callers in. Raises Forbidden for all others, and for unlisted methods."""

    async def check(request: Request) -> None:
        method = request.scope["route"].path.rpartition("/")[2]
        said = request.headers.getlist(CALLER)
        if len(said) != 1 or said[0] not in callers.get(method, ()):
            log.warning("an internal method is not open to this caller", method=method, callers=said[:3])
            raise Forbidden(f"{method} is not open to this caller")

    return Depends(check)
