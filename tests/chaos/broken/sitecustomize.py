"""Python runs this first in a service that the tests start with this folder on PYTHONPATH: one safeguard is gone.

It shows that the checker can fail. Nothing in the product knows of it.
"""

import os
from typing import Any


def _without_outbox() -> None:
    """All events but those of taken nights: travel's copy would stay wrong for the tests that follow."""
    import servicekit.outbox

    publish_later, columns_of = servicekit.outbox.publish_later, servicekit.outbox.columns_of

    async def forget(tx: Any, *events: Any) -> None:
        await publish_later(tx, *(each for each in events if each.topic == "order-nights-topic"))

    def write_none(events: Any) -> list[Any]:
        kept = [each for each in events if each.topic == "order-nights-topic"]
        return columns_of(kept) if kept else [[]] * 4

    servicekit.outbox.publish_later, servicekit.outbox.columns_of = forget, write_none


def _without_inbox() -> None:
    import servicekit.inbox

    async def believe(_tx: Any, _event: Any) -> bool:
        return True

    async def know_none(_tx: Any, _events: Any) -> set[tuple[str, str]]:
        return set()

    async def forget(_tx: Any, _events: Any) -> None:
        return None

    servicekit.inbox.first_time = believe
    servicekit.inbox.known, servicekit.inbox.record = know_none, forget


def _without_refund_messages() -> None:
    import notification.states

    notification.states.KINDS_BY_TRADE_STATE.pop(notification.states.REFUNDED_ORDER)


def _without_nights() -> None:
    from order import reservation, reservation_repository

    async def take_none(_self: Any, tx: Any, wanted: Any, *, wait: bool) -> dict[int, Any]:
        await reservation_repository.write(tx, [], [], list(wanted), [])
        return {}

    reservation.Reservations._take_nights = take_none  # type: ignore[method-assign]


BREAK = {
    "outbox": _without_outbox,
    "inbox": _without_inbox,
    "refund messages": _without_refund_messages,
    "nights": _without_nights,
}
if how := os.environ.get("MINSU_BROKEN"):
    BREAK[how]()
