"""Python runs this first in a service that the kit starts with this folder on PYTHONPATH: one safeguard is gone.

MINSU_BROKEN says which. It shows that the kit can fail. Nothing in the product knows of it. Each defect
turns exactly the cases red that conformance/proving.py names.
"""

# ruff: noqa: INP001 - Python finds it by its name in a folder, it is no package's
import os
from types import SimpleNamespace
from typing import Any


def _no_inbox() -> None:
    """Events take effect whenever they come."""
    import servicekit.inbox  # noqa: PLC0415 - not before Python is up

    async def believe(_tx: Any, _event: Any) -> bool:
        return True

    async def know_none(_tx: Any, _events: Any) -> set[tuple[str, str]]:
        return set()

    async def forget(_tx: Any, _events: Any) -> None:
        return None

    servicekit.inbox.first_time = believe
    servicekit.inbox.known, servicekit.inbox.record = know_none, forget


def _wrong_retry() -> None:
    """An event that could not be applied yet is acknowledged."""
    from servicekit import events  # noqa: PLC0415 - not before Python is up

    take = events.Deliveries._take  # noqa: SLF001 - what is broken

    async def acknowledge(self: events.Deliveries, document: bytes, activity: Any) -> dict[str, Any]:
        answer = await take(self, document, activity)
        for each in answer.get("statuses", [answer]):
            if each["status"] == events.RETRY:
                each["status"] = events.SUCCESS
        return answer

    events.Deliveries._take = acknowledge  # type: ignore[method-assign]  # noqa: SLF001 - what is broken


def _unsigned_app_token() -> None:
    """Every caller is taken for the sidecar."""
    from servicekit import middleware  # noqa: PLC0415 - not before Python is up

    middleware.hmac = SimpleNamespace(compare_digest=lambda _given, _wanted: True)  # type: ignore[assignment]


BREAK = {"no-inbox": _no_inbox, "wrong-retry": _wrong_retry, "unsigned-app-token": _unsigned_app_token}
if how := os.environ.get("MINSU_BROKEN"):
    BREAK[how]()
