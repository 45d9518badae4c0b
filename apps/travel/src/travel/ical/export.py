"""A homestay's own calendar, for other platforms to import: what is sold out or closed here, as RFC 5545 text. Pure.

It says nothing about guests, nor where one stay ends and the next begins.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar, Event

from servicekit.clock import SHANGHAI

A_DAY = timedelta(days=1)
SUMMARY = "不可订 Not available"


def calendar_of(homestay_id: int, nights: Collection[date], today: date) -> bytes:
    """One event for each run of consecutive nights. The same nights give the same bytes all day."""
    calendar = Calendar()
    calendar.add("prodid", "-//Minsu//Homestay calendar//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-published-ttl", "PT15M")
    written = datetime.combine(today, time(), SHANGHAI).astimezone(UTC)
    for start, end in runs(nights):
        event = Event()
        event.add("uid", f"{start:%Y%m%d}-{homestay_id}@minsu")
        event.add("dtstamp", written)
        event.add("dtstart", start)
        event.add("dtend", end)
        event.add("summary", SUMMARY)
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def runs(nights: Collection[date]) -> list[tuple[date, date]]:
    """Consecutive nights as (first, day after the last), in order."""
    found: list[tuple[date, date]] = []
    for night in sorted(set(nights)):
        if found and found[-1][1] == night:
            found[-1] = (found[-1][0], night + A_DAY)
        else:
            found.append((night, night + A_DAY))
    return found
