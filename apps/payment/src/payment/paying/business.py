"""What may be paid for. Adding "shop" or "course" is one entry here and one peer that answers `payable`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from payment.errors import UnknownServiceType
from payment.peers import Payable


class Payables(Protocol):
    """The service that owns the orders of a business type."""

    async def payable(self, order_sn: str) -> Payable: ...


@dataclass(frozen=True)
class BusinessType:
    """`label` begins the description that the buyer reads in WeChat."""

    label: str
    owner: Payables


class BusinessTypes:
    """The registry, by `serviceType`."""

    def __init__(self, types: Mapping[str, BusinessType]) -> None:
        self._types = dict(types)

    def find(self, service_type: str) -> BusinessType:
        """Raises UnknownServiceType, naming what there is."""
        try:
            return self._types[service_type]
        except KeyError:
            known = ", ".join(sorted(self._types))
            raise UnknownServiceType(
                f"serviceType {service_type!r} is not registered; known: {known}", field="serviceType"
            ) from None
