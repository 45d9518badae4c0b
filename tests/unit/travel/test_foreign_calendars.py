"""Which nights the calendar of another platform takes, and what of it cannot be read."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from travel.ical.export import calendar_of
from travel.ical.faults import CalendarFailed, Fault
from travel.ical.lines import MOST_EVENTS
from travel.ical.parsing import DAYS_READ, taken_nights

TODAY = date(2026, 12, 1)
DAY = timedelta(days=1)
ZONES = ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"]


def days(*numbers: int) -> set[date]:
    """Of December 2026."""
    return {date(2026, 12, number) for number in numbers}


def feed(*events: str, end: str = "END:VCALENDAR\r\n") -> bytes:
    """A calendar; each event is the text between its BEGIN and its END."""
    lines = "".join(f"BEGIN:VEVENT\r\nUID:{number}\r\n{event}\r\nEND:VEVENT\r\n" for number, event in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\n{lines}{end}".encode()


def nights(*events: str) -> set[date]:
    taken = taken_nights(feed(*events), TODAY)
    assert taken.is_complete
    return set(taken.nights)


@pytest.mark.parametrize(
    ("event", "taken"),
    [
        ("DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261207", days(5, 6)),
        ("DTSTART:20261205\r\nDTEND:20261207", days(5, 6)),
        ("DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261205", days(5)),
        ("DTSTART;VALUE=DATE:20261205", days(5)),
        ("DTSTART;VALUE=DATE:20261205\r\nDURATION:P3D", days(5, 6, 7)),
        ("DTSTART;TZID=Asia/Shanghai:20261205T150000\r\nDTEND;TZID=Asia/Shanghai:20261207T110000", days(5, 6)),
        ("DTSTART;TZID=China Standard Time:20261205T150000\r\nDTEND;TZID=China Standard Time:20261206T110000", days(5)),
        ("DTSTART;TZID=/a.b/Asia/Shanghai:20261205T150000\r\nDTEND;TZID=/a.b/Asia/Shanghai:20261206T110000", days(5)),
        ("DTSTART:20261204T160000Z\r\nDTEND:20261206T155959Z", days(5)),  # midnight there, and a second before it
        ("DTSTART:20261204T155959Z\r\nDTEND:20261205T160000Z", days(4, 5)),
        ("DTSTART:20261205T150000\r\nDTEND:20261206T110000", days(5)),  # no zone: the homestay's own
        ("DTSTART;TZID=America/New_York:20261205T150000\r\nDTEND;TZID=America/New_York:20261206T110000", days(6)),
        ("DTSTART:20261205T120000\r\nDTEND:20261205T140000", days(5)),
        ("DTSTART:20261205T035959Z\r\nDTEND:20261205T060000Z", days(4, 5)),  # a second before noon there
        ("DTSTART:20261205T003000\r\nDTEND:20261205T110000", days(4, 5)),  # came after midnight, left in the morning
        ("DTSTART:20261205T150000", days(5)),
        ("DTSTART:20261201T003000\r\nDTEND:20261201T110000", days(1)),  # the night before is over
        ("DTSTART;VALUE=DATE:20261120\r\nDTEND;VALUE=DATE:20261203", days(1, 2)),
        ("DTSTART;VALUE=DATE:20261101\r\nDTEND;VALUE=DATE:20261201", set()),
        ("DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261207\r\nSTATUS:CANCELLED", set()),
        ("DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261207\r\nSTATUS:CONFIRMED", days(5, 6)),
        ("DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261206\r\nTRANSP:TRANSPARENT", days(5)),
        ("DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261206\r\nDESCRIPTION:a\nlone line", days(5)),
        ("dtstart;value=date:20261205\r\ndte\r\n nd;value=date:20261207", days(5, 6)),  # folded, in small letters
        (
            "DTSTART;VALUE=DATE:20261205\r\nDTEND;VALUE=DATE:20261206\r\nBEGIN:VALARM\r\nDTSTART:x\r\nEND:VALARM",
            days(5),
        ),
    ],
)
def test_an_event_takes_the_nights_between_its_dates_in_shanghai(event, taken):
    assert nights(event) == taken


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ("FREQ=DAILY;COUNT=3", days(5, 6, 7)),
        ("FREQ=DAILY;INTERVAL=2;UNTIL=20261209", days(5, 7, 9)),
        ("FREQ=WEEKLY;BYDAY=SA,SU;UNTIL=20261214T000000Z", days(5, 6, 12, 13)),
        ("FREQ=WEEKLY;WKST=SU;INTERVAL=2;COUNT=4;BYDAY=SA,SU", days(5, 13, 19, 27)),
        ("FREQ=WEEKLY;WKST=MO;INTERVAL=2;COUNT=4;BYDAY=SA,SU", days(5, 6, 19, 20)),
        ("FREQ=MONTHLY;COUNT=2", {date(2026, 12, 5), date(2027, 1, 5)}),
        ("FREQ=YEARLY", {date(2026, 12, 5), date(2027, 12, 5)}),
    ],
)
def test_a_simple_rule_repeats_an_event_for_as_long_as_we_look(rule, taken):
    assert nights(f"DTSTART;VALUE=DATE:20261205\r\nRRULE:{rule}") == taken


def test_a_week_begins_where_the_rule_says():
    rule = "FREQ=WEEKLY;WKST=SU;INTERVAL=2;COUNT=4;BYDAY=TU,SU"
    january = {date(2027, 1, number) for number in (5, 17, 19, 31)}
    assert nights(f"DTSTART;VALUE=DATE:20270105\r\nRRULE:{rule}") == january


@pytest.mark.parametrize(
    ("until", "taken"),
    [
        ("20261205", days(3, 4, 5)),
        ("20261205T140000", days(3, 4, 5)),
        ("20261205T135959", days(3, 4)),
        ("20261205T060000Z", days(3, 4, 5)),  # 14:00 there
        ("20261205T055959Z", days(3, 4)),
    ],
)
@pytest.mark.parametrize("zone", ["", ";TZID=Asia/Shanghai"])
def test_a_repeated_moment_comes_on_the_last_day_as_well(zone, until, taken):
    night = f"DTSTART{zone}:20261203T140000\r\nDTEND{zone}:20261204T110000"
    assert nights(f"{night}\r\nRRULE:FREQ=DAILY;UNTIL={until}") == taken


def test_a_repetition_keeps_the_weekday_of_the_events_own_zone():
    night = "DTSTART;TZID=America/New_York:20261204T200000\r\nDTEND;TZID=America/New_York:20261205T200000"
    assert nights(f"{night}\r\nRRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=2") == days(5, 12)  # Saturday morning in Shanghai


@pytest.mark.parametrize(
    "event",
    [
        "SUMMARY:no start",
        "DTSTART;VALUE=DATE:20261332",
        "DTSTART:whenever",
        "DTSTART:P1D",
        "DTSTART;VALUE=DATE:20261207\r\nDTEND;VALUE=DATE:20261205",
        "DTSTART;VALUE=DATE:20261205\r\nDTEND:20261207T100000Z",
        "DTSTART;VALUE=DATE:20261205\r\nDTEND nothing",
        "DTSTART;VALUE=DATE:20261205\r\nDURATION:-P3D",
        "DTSTART;VALUE=DATE:20261205\r\nDURATION:20261207",
        "DTSTART;VALUE=DATE:20261205\r\nDTSTART;VALUE=DATE:20261206",
        "DTSTART;TZID=Middle/Earth:20261205T150000\r\nDTEND;TZID=Middle/Earth:20261206T110000",
        "DTSTART;VALUE=DATE:20261205\r\nRDATE;VALUE=DATE:20261209",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=SECONDLY",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=DAILY;INTERVAL=0",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=MONTHLY;BYDAY=1SA",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:COUNT=2",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=WEEKLY;WKST=XX",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=WEEKLY;WKST=1SU",
        "DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=WEEKLY;WKST=SU,MO",
        "DTSTART;VALUE=DATE:20261205\r\nSTATUS:CONFIRMED\r\nSTATUS:CANCELLED",
        "DTSTART;VALUE=DATE:20261205\r\nSTATUS:CANCELLED\r\nDTEND nothing",
        "DTSTART;VALUE=DATE:00010101\r\nRRULE:FREQ=DAILY",
        "DTSTART:99991231T235959Z",
    ],
)
def test_beside_an_event_that_cannot_be_read_the_others_still_count(event):
    taken = taken_nights(feed("DTSTART;VALUE=DATE:20261220\r\nDTEND;VALUE=DATE:20261221", event), TODAY)
    assert not taken.is_complete
    assert taken.nights - days(5, 6) == days(20)


def test_an_event_that_is_confirmed_and_cancelled_counts():
    taken = taken_nights(feed("DTSTART;VALUE=DATE:20261205\r\nSTATUS:CONFIRMED\r\nSTATUS:CANCELLED"), TODAY)
    assert (taken.nights, taken.is_complete) == (days(5), False)


def test_more_repetitions_than_are_worked_out_leave_the_calendar_incomplete():
    taken = taken_nights(feed(*["DTSTART;VALUE=DATE:20261205\r\nRRULE:FREQ=DAILY"] * 8), TODAY)
    assert (taken.is_complete, len(taken.nights)) == (False, DAYS_READ - 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        b"<!doctype html><title>404</title>",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\n",
        b"END:VCALENDAR\r\n",
        b"BEGIN:VEVENT\r\nDTSTART:20261205\r\nEND:VEVENT\r\n",
        feed("DTSTART;VALUE=DATE:20261205", end=""),
        feed("DTSTART;VALUE=DATE:20261205")[:-40],
        feed("DTSTART;VALUE=DATE:20261205\r\nEND:VTODO"),
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 100_000,
    ],
    ids=range(11),
)
def test_what_is_no_whole_calendar_is_refused(content):
    with pytest.raises(CalendarFailed) as refused:
        taken_nights(content, TODAY)
    assert refused.value.fault is Fault.UNREADABLE


def test_a_calendar_without_events_is_whole_and_takes_nothing():
    taken = taken_nights(feed(), TODAY)
    assert (taken.nights, taken.is_complete) == (frozenset(), True)


def test_only_so_many_events_are_read():
    event = "DTSTART;VALUE=DATE:20261205"
    assert taken_nights(feed(*[event] * MOST_EVENTS), TODAY).nights == days(5)
    with pytest.raises(CalendarFailed) as refused:
        taken_nights(feed(*[event] * (MOST_EVENTS + 1)), TODAY)
    assert refused.value.fault is Fault.TOO_LARGE


def test_a_strangers_time_zone_defines_nothing_for_others():
    mine = (
        "BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
        "TZOFFSETFROM:+0000\r\nTZOFFSETTO:-1200\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    event = "DTSTART;TZID=Mine:20261205T150000\r\nDTEND;TZID=Mine:20261206T110000"
    content = feed(event).replace(b"BEGIN:VEVENT", mine.encode() + b"BEGIN:VEVENT")
    for text in (content, feed(event)):
        assert not taken_nights(text, TODAY).is_complete


@st.composite
def stays(draw: st.DrawFn) -> tuple[date, date]:
    start = TODAY + DAY * draw(st.integers(-30, 800))
    return start, start + DAY * draw(st.integers(1, 60))


@given(stays=st.lists(stays(), max_size=12))
def test_dates_written_by_the_library_are_read_as_the_nights_they_mean(stays):
    calendar = Calendar()
    for start, end in stays:
        event = Event()
        event.add("dtstart", start)
        event.add("dtend", end)
        event.add("summary", "客人: a, b; c\n" * 9)
        calendar.add_component(event)

    taken = taken_nights(calendar.to_ical(), TODAY)

    wanted = {start + DAY * number for start, end in stays for number in range((end - start).days)}
    assert taken.nights == {night for night in wanted if TODAY <= night < TODAY + DAY * DAYS_READ}
    assert taken.is_complete


@given(
    start=st.datetimes(datetime.combine(TODAY + DAY, time()), datetime.combine(TODAY + 500 * DAY, time())),
    hours=st.integers(24, 24 * 20),
    zone=st.sampled_from(ZONES),
)
def test_moments_of_any_zone_take_the_nights_between_their_dates_in_shanghai(start, hours, zone):
    begins = start.replace(microsecond=0, tzinfo=ZoneInfo(zone))
    ends = (begins.astimezone(ZoneInfo("UTC")) + timedelta(hours=hours)).astimezone(ZoneInfo(zone))
    calendar, event = Calendar(), Event()
    event.add("dtstart", begins)
    event.add("dtend", ends)
    calendar.add_component(event)

    taken = taken_nights(calendar.to_ical(), TODAY)

    there = [each.astimezone(ZoneInfo("Asia/Shanghai")).date() for each in (begins, ends)]
    assert taken.nights == {there[0] + DAY * number for number in range((there[1] - there[0]).days)}


LINES = st.one_of(
    st.sampled_from(["BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "RDATE:"]),
    st.builds("{}{}:{}".format, st.sampled_from(["DTSTART", "DTEND", "DURATION", "RRULE"]),
              st.sampled_from(["", ";VALUE=DATE", ";TZID=Europe/Berlin", ";TZID=Mars"]),
              st.sampled_from(["20261205", "20261206T120000Z", "P1D", "FREQ=DAILY", "99991231", "FREQ=YEARLY;COUNT=-1"])),
    st.text(max_size=30),
)  # fmt: skip


@given(lines=st.lists(LINES, max_size=30))
@example(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART:99991231", "DTEND:P1D", "END:VEVENT", "END:VCALENDAR"])
@example(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART:99991231", "END:VEVENT", "END:VCALENDAR"])
def test_whatever_is_sent_gives_nights_of_the_next_two_years_or_a_refusal(lines):
    for content in ("\r\n".join(lines), "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"])):
        try:
            taken = taken_nights(content.encode("utf-8", "surrogatepass"), TODAY)
        except CalendarFailed:
            continue
        assert all(TODAY <= night < TODAY + DAY * DAYS_READ for night in taken.nights)


@given(nights=st.sets(st.integers(0, 900).map(lambda number: TODAY + DAY * number), max_size=60))
def test_what_one_system_exports_another_reads_as_the_same_nights(nights):
    content = calendar_of(7, nights, TODAY)
    assert taken_nights(content, TODAY).nights == {night for night in nights if night < TODAY + DAY * DAYS_READ}
    assert len(Calendar.from_ical(content).events) == len([night for night in nights if night - DAY not in nights])
