"""Facts that this service hears, in its own model of the contract: it reads two members and tolerates all others.

It publishes none.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from servicekit.events import EventData

TRADESTATE_TOPIC = "order-update-tradestate-topic"


def _whole(value: object) -> object:
    """JSON knows one kind of number: `1.0` is the integer 1, whoever encoded it."""
    if isinstance(value, bool):
        raise ValueError("a truth value is no state")
    return int(value) if isinstance(value, float) and value.is_integer() else value


class OrderState(EventData):
    """An order is in `trade_state` now (contracts/events/tradestate-updated.v1)."""

    order_sn: Annotated[str, StringConstraints(pattern=r"^HSO[0-9]{22}$"), Field(alias="orderSn")]
    trade_state: Annotated[Literal[-1, 1, 2, 3, 4], BeforeValidator(_whole), Field(alias="tradeState")]
