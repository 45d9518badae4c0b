"""Registry of what can be paid for, by `serviceType`. A new business type is one entry in `parts.py` and
one peer with a `payable` method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from payment.errors import UnknownServiceType
from payment.peers import Payable


class Payables(Protocol):
    """A peer: the service that owns the orders of a business type."""

    async def payable(self, order_sn: str) -> Payable: ...


@dataclass(frozen=True)
class BusinessType:
    """`label` is the start of the description shown to the buyer in WeChat."""

    label: str
    owner: Payables


class BusinessTypes:
    """The registry."""

    def __init__(self, types: Mapping[str, BusinessType]) -> None:
        self._types = dict(types)

    def find(self, service_type: str) -> BusinessType:
        """Raises UnknownServiceType, which names the known types."""
        try:
            return self._types[service_type]
        except KeyError:
            known = ", ".join(sorted(self._types))
            raise UnknownServiceType(
                f"serviceType {service_type!r} is not registered; known: {known}", field="serviceType"
            ) from None
