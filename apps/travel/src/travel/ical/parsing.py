"""The nights that the events of an iCalendar take: dates in Asia/Shanghai. Pure; bounded in time for any input.

All that is written in it counts as taken but cancelled events: a night that is blocked in vain can be sold by the host
again, one that is sold twice cannot. So TRANSP, EXDATE and moved repetitions free nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import islice
from zoneinfo import available_timezones

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule  # type: ignore[import-untyped]
from icalendar import vDDDTypes, vRecur
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from servicekit.clock import SHANGHAI
from travel.ical.lines import EventLines, Value, events

DAYS_READ = 730
MOST_REPETITIONS = 5_000
LONGEST_REPEATED = timedelta(days=92)
OLDEST_REPEATED = timedelta(days=3653)
LONGEST_ZONE = 100
A_DAY = timedelta(days=1)
NOON = time(12)
FREQUENCIES = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY, "YEARLY": YEARLY}
READ_OF_A_RULE = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class TakenNights:
    """`is_complete` False: some event could not be read, so that more may be taken."""

    nights: frozenset[date]
    is_complete: bool


@dataclass(frozen=True)
class _Span:
    """A date is a whole day; a datetime without a zone is one of Asia/Shanghai."""

    start: date
    end: date

    def nights(self, first: date, until: date) -> Iterator[date]:
        """Its nights from `first` on and before `until`. Moments within one day take that day's night, and before noon the
        night before as well: a guest who leaves in the morning may have come after midnight."""
        start, end = _day(self.start), _day(self.end)
        if isinstance(self.start, datetime) and start == end:
            end += A_DAY
            if _there(self.start).time() < NOON:
                start -= A_DAY
        start, end = max(start, first), min(end, until)
        return (start + timedelta(days=number) for number in range((end - start).days))


@dataclass(kw_only=True)
class _Repetitions:
    """How many more may be worked out for this calendar."""

    left: int = MOST_REPETITIONS

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"more than {MOST_REPETITIONS} repetitions")


def taken_nights(content: bytes, today: date) -> TakenNights:
    """From `today` on, for two years. Raises CalendarFailed for what is not a whole calendar."""
    until, nights, is_complete = today + timedelta(days=DAYS_READ), set[date](), True
    repetitions = _Repetitions()
    for event in events(content):
        if event.is_whole and (status := event.values.get("STATUS")) and status.text.upper() == "CANCELLED":
            continue
        is_complete &= event.is_whole and "RDATE" not in event.values
        try:
            for span in _spans(event, today, until, repetitions):
                nights.update(span.nights(today, until))
        except (ValueError, TypeError, OverflowError, KeyError):
            is_complete = False
    return TakenNights(frozenset(nights), is_complete)


def _spans(event: EventLines, first: date, until: date, repetitions: _Repetitions) -> Iterator[_Span]:
    """Raises ValueError, TypeError, OverflowError or KeyError where the event cannot be read; what it yielded before
    stands."""
    span = _first_span(event)
    yield span
    if rule := event.values.get("RRULE"):
        yield from _repeated(span, rule.text, first, until, repetitions)


def _first_span(event: EventLines) -> _Span:
    start = _moment(event.values["DTSTART"]) if "DTSTART" in event.values else None
    if start is None:
        raise ValueError("no start")
    if "DTEND" in event.values:
        end = _moment(event.values["DTEND"])
    elif "DURATION" in event.values:
        end = start + _duration(event.values["DURATION"])
    else:
        end = start
    if isinstance(start, datetime) is not isinstance(end, datetime):
        raise ValueError("one end is a date, the other a moment")
    if not isinstance(start, datetime) and end == start:
        end = start + A_DAY  # a day without an end, or with itself as its end
    if _day(end) < _day(start):
        raise ValueError("it ends before it begins")
    return _Span(start, end)


def _repeated(span: _Span, rule: str, first: date, until: date, repetitions: _Repetitions) -> Iterator[_Span]:
    """The repetitions of a simple rule: every so many days, weeks (on named days), months or years. Others are refused:
    some never come to an end."""
    read = vRecur.from_ical(rule)
    days = [WEEKDAYS.index(str(day)) for day in read.get("BYDAY", [])]
    [frequency], [interval], [week_start] = read["FREQ"], read.get("INTERVAL", [1]), read.get("WKST", ["MO"])
    if set(read) - READ_OF_A_RULE or (days and frequency != "WEEKLY") or not 1 <= interval <= 1000:
        raise ValueError(f"a rule that is not read: {rule[:100]}")
    length = span.end - span.start
    if length > LONGEST_REPEATED:
        raise ValueError("a repeated event of more than 92 days")
    if first - _day(span.start) > OLDEST_REPEATED:
        raise ValueError("a repeated event that began more than ten years ago")
    zone = (span.start.tzinfo or SHANGHAI) if isinstance(span.start, datetime) else None
    last = [_wall_clock(each, zone, time.max) for each in read.get("UNTIL", [])]
    starts = rrule(
        FREQUENCIES[str(frequency)],
        dtstart=_wall_clock(span.start, zone),
        interval=interval,
        wkst=WEEKDAYS.index(str(week_start)),
        byweekday=days or None,
        until=min([*last, datetime.combine(until, time())]),
    )
    for start in islice(starts, next(iter(read.get("COUNT", [])), None)):
        repetitions.take()
        begins = start.replace(tzinfo=zone) if isinstance(span.start, datetime) else start.date()
        if _day(begins + length) >= first:
            yield _Span(begins, begins + length)


def _wall_clock(moment: date, zone: tzinfo | None, of_day: time = time.min) -> datetime:
    """Without a zone, as a clock shows it in that of the event; a date, which has no time, at `of_day`."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, of_day)
    local = moment.astimezone(zone) if zone is not None and moment.tzinfo is not None else moment
    return local.replace(tzinfo=None)


def _moment(value: Value) -> date:
    """Raises ValueError for anything but a date or a moment of a known zone."""
    zone = _zone(value.zone) if value.zone and len(value.text) > 8 else None  # a date has none
    found = vDDDTypes.from_ical(value.text, timezone=zone)  # type: ignore[no-untyped-call]  # it has no types here
    if not isinstance(found, date):
        raise ValueError(f"neither a date nor a moment: {value.text[:40]}")
    return found


def _duration(value: Value) -> timedelta:
    found = vDDDTypes.from_ical(value.text)  # type: ignore[no-untyped-call]  # it has no types here
    if not isinstance(found, timedelta):
        raise ValueError(f"no duration: {value.text[:40]}")
    return found


def _zone(name: str) -> str:
    """The name as Python knows it, also where Windows or a program's own prefix is before it."""
    if len(name) > LONGEST_ZONE:
        raise ValueError("a time zone with a long name")
    parts = WINDOWS_TO_OLSON.get(name, name).strip("/").split("/")
    for begin in range(len(parts)):
        if (known := "/".join(parts[begin:])) in _zones():
            return known
    raise ValueError(f"a time zone that is not known: {name}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _day(moment: date) -> date:
    """The date there, in Asia/Shanghai."""
    return _there(moment).date() if isinstance(moment, datetime) else moment


def _there(moment: datetime) -> datetime:
    """In Asia/Shanghai."""
    return moment.astimezone(SHANGHAI) if moment.tzinfo is not None else moment
