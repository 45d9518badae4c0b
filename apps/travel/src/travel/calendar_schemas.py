"""Requests and responses about a homestay's calendars. Times RFC 3339 in UTC, nights dates in Asia/Shanghai."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from servicekit.schemas import ApiModel, RowId
from servicekit.storable import storable
from travel.ical.guard import LONGEST_URL
from travel.ical.host_calendars import Links
from travel.ical.repository import Listed, NightConflict

CalendarName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32, pattern=r"^[^\x00-\x1f\x7f]*$")
]
CalendarUrl = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_URL)]


class OfHomestay(ApiModel):
    homestay_id: RowId


class AddImport(OfHomestay):
    name: CalendarName = Field(examples=["途家"])
    url: CalendarUrl = Field(examples=["https://www.airbnb.com/calendar/ical/1.ics?s=0f1e"])


class RemoveImport(OfHomestay):
    id: RowId


class ImportedCalendar(ApiModel):
    id: int
    name: str
    url: str
    fetched_at: datetime | None = Field(description="When it was last read; null until then")
    error: str = Field(description="Why it cannot be read now, in the reader's language; empty when it can")
    nights: int = Field(description="How many nights it blocks")

    @classmethod
    def of(cls, listed: Listed, translate: Callable[[str], str]) -> Self:
        calendar = listed.calendar
        return cls(
            id=calendar.id,
            name=calendar.name,
            url=calendar.url,
            fetched_at=calendar.fetched_at.astimezone(UTC) if calendar.fetched_at else None,
            error=translate(calendar.error) if calendar.error else "",
            nights=listed.nights,
        )


class CalendarLinks(ApiModel):
    export_url: str = Field(
        description="Of this site: what other platforms import. Any client that knows it can read it"
    )
    imports: list[ImportedCalendar]

    @classmethod
    def of(cls, links: Links, translate: Callable[[str], str]) -> Self:
        imports = [ImportedCalendar.of(each, translate) for each in links.imports]
        return cls(export_url=f"/calendars/{links.secret}.ics", imports=imports)


class CalendarConflict(ApiModel):
    night: date
    import_name: str = Field(description="The imported calendar that takes it")
    taken: int = Field(description="How many rooms, or beds, are sold here")


class CalendarConflicts(ApiModel):
    list: list[CalendarConflict]

    @classmethod
    def of(cls, found: Iterable[NightConflict]) -> Self:
        return cls(list=[CalendarConflict(night=each.night, import_name=each.name, taken=each.taken) for each in found])


class OfSecret(ApiModel):
    """`secret`: of a homestay's own calendar."""

    secret: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(storable)]
