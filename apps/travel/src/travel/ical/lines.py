"""The events of an iCalendar stream, as their lines: unfolded, and only the properties that nights depend on.

The library's own reader of components is not used: it keeps the time zones that a stranger's VTIMEZONE defines, for the
whole process and for the calendars of others, and works them out without a bound. Its reader of lines and values is.
"""

from dataclasses import dataclass, field

from icalendar.parser import Contentline, Contentlines

from travel.ical.faults import CalendarFailed, Fault

MOST_EVENTS = 2_000
DEEPEST = 8
LONGEST_LINE = 1_000
READ = frozenset({"DTSTART", "DTEND", "DURATION", "STATUS", "RRULE", "RDATE"})
NAMES = ("BEGIN", "END", *READ)
LONGEST_NAME = max(NAMES, key=len)


@dataclass(frozen=True)
class Value:
    """`zone`: its TZID, empty without one."""

    text: str
    zone: str = ""


@dataclass(frozen=True)
class EventLines:
    """The properties in READ of one VEVENT. `is_whole` False: a line of it could not be read, or one came twice."""

    values: dict[str, Value] = field(default_factory=dict)
    is_whole: bool = True


def events(content: bytes) -> list[EventLines]:
    """Raises CalendarFailed (UNREADABLE, TOO_LARGE) for what is not a whole calendar of at most 2,000 events."""
    try:
        lines = Contentlines.from_ical(content)  # type: ignore[no-untyped-call]  # the library has no types here
    except ValueError as error:
        raise CalendarFailed(Fault.UNREADABLE, str(error)) from error
    stream = _Stream()
    for line in filter(None, lines):
        stream.read(*_parts(line))
    return stream.ended()


@dataclass(kw_only=True)
class _Stream:
    """Where the reader is: the components that are open, and the event that it is in."""

    open: list[str] = field(default_factory=list)
    calendars: int = 0
    values: dict[str, Value] = field(default_factory=dict)
    is_whole: bool = True
    found: list[EventLines] = field(default_factory=list)

    def read(self, name: str, value: Value) -> None:
        if name == "BEGIN":
            self._begin(value.text.upper())
        elif name == "END":
            self._end(value.text.upper())
        elif self._is_in_event():
            if name in READ:
                self.is_whole &= name not in self.values
                self.values[name] = value
            elif not name and value.text:
                self.is_whole = False

    def ended(self) -> list[EventLines]:
        if self.open or not self.calendars:
            raise CalendarFailed(Fault.UNREADABLE, f"it ends in {self.open}" if self.open else "no calendar")
        return self.found

    def _begin(self, component: str) -> None:
        self.open.append(component)
        if self.open[0] != "VCALENDAR" or len(self.open) > DEEPEST:
            raise CalendarFailed(Fault.UNREADABLE, f"{component[:40]} in {self.open[:2]}")
        if self._is_in_event():
            self.values, self.is_whole = {}, True

    def _end(self, component: str) -> None:
        if not self.open or self.open[-1] != component:
            raise CalendarFailed(Fault.UNREADABLE, f"the end of {component[:40]} in {self.open[-1:]}")
        if self._is_in_event():
            if len(self.found) == MOST_EVENTS:
                raise CalendarFailed(Fault.TOO_LARGE, f"more than {MOST_EVENTS} events")
            self.found.append(EventLines(self.values, self.is_whole))
        self.calendars += self.open.pop() == "VCALENDAR"

    def _is_in_event(self) -> bool:
        return self.open == ["VCALENDAR", "VEVENT"]


def _parts(line: Contentline) -> tuple[str, Value]:
    """The name is empty, and the value the line's beginning, where the line is none of RFC 5545; empty both, and not
    looked at further, where nothing depends on it."""
    if not line[: len(LONGEST_NAME)].upper().startswith(NAMES):
        return "", Value("")
    if len(line) > LONGEST_LINE:
        return "", Value(line[:LONGEST_LINE])
    try:
        name, params, text = line.parts()
    except ValueError:
        return "", Value(line)
    zone = params.get("TZID", "")
    return name.upper(), Value(text.strip(), zone if isinstance(zone, str) else "")
