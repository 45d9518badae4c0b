"""The state of an order on the running system, by the values of its public `tradeState`."""

from collections.abc import Callable

from tests.support.system import System

WAIT_PAY, WAIT_USE, USED, REFUNDED, CANCELLED = 0, 1, 2, 3, -1


def trade_state(system: System, order_sn: str) -> int:
    return int(system.order(order_sn)["tradeState"])


def has_state(system: System, order_sn: str, state: int) -> Callable[[], bool]:
    """A condition for `eventually`: whether the order has `state` now."""
    return lambda: trade_state(system, order_sn) == state
