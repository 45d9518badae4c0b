"""Models of the events that travel consumes (contracts/events/nights-updated.v1)."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from servicekit.events import EventData
from travel.models import NightTaken

NIGHTS_TOPIC = "order-nights-topic"
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class NightUpdated(EventData):
    night: date
    taken: Count
    stock: Count
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class NightsUpdated(EventData):
    """Some nights of a homestay were taken or freed."""

    model_config = ConfigDict(alias_generator=to_camel)

    homestay_id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    nights: Annotated[list[NightUpdated], Field(min_length=1, max_length=400)]

    @property
    def taken(self) -> list[NightTaken]:
        return [NightTaken(self.homestay_id, each.night, each.taken, each.stock, each.version) for each in self.nights]
