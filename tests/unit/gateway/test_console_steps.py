"""Steps of several services become one timeline."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.console.rendering import linked, moment, pause
from gateway.console.steps import in_order, of_events, of_letters, of_receipts, of_service

AT = "2026-11-23T01:30:00Z"
EVENT = {
    "source": "minsu/payment",
    "eventId": "e-1",
    "topic": "payment-update-paystatus-topic",
    "createdAt": "2026-11-23T01:30:00.100Z",
    "publishedAt": "2026-11-23T01:30:00.150Z",
    "lastError": None,
    "traceId": "a" * 32,
}


def test_steps_of_all_services_stand_by_time_with_the_gap_before_each():
    rows = in_order(
        [
            *of_receipts(
                "order",
                [{"source": "minsu/payment", "eventId": "e-1", "receivedAt": "2026-11-23T01:30:06Z"}],
                {("minsu/payment", "e-1"): EVENT["topic"]},
            ),
            *of_events("payment", [EVENT]),
            *of_service(
                "payment", [{"at": AT, "what": "payment_status", "number": "PMT1", "before": "0", "after": "1"}]
            ),
        ]
    )
    assert [(row.service, row.what, row.gap, row.is_slow) for row in rows] == [
        ("payment", "payment_status", None, False),
        ("payment", "event_written", timedelta(milliseconds=100), False),
        ("payment", "event_published", timedelta(milliseconds=50), False),
        ("order", "event_taken", timedelta(seconds=5.85), True),
    ]
    assert (rows[3].number, rows[1].trace_id) == (EVENT["topic"], "a" * 32)


def test_an_event_that_waits_says_why():
    [row] = of_events("payment", [EVENT | {"publishedAt": None, "lastError": "kafka is down"}])
    assert (row.what, row.after, row.detail) == ("event_written", "waiting", "kafka is down")


def test_a_dead_letter_is_one_step_that_names_its_service_its_state_and_its_reason():
    letter = {"id": 7, "topic": "t", "state": "poison", "reason": "cannot be read", "receivedAt": AT}
    [row] = of_letters("order", [letter, letter | {"attempts": 3}])
    assert (row.what, row.number, row.after, row.source, row.detail) == (
        "dead_letter",
        "order:7",
        "poison",
        "t",
        "cannot be read",
    )


@pytest.mark.parametrize(
    ("gap", "shown"),
    [
        (None, ""),
        (timedelta(0), "+0.000 s"),
        (timedelta(milliseconds=120), "+0.120 s"),
        (timedelta(seconds=125), "+2 min 5 s"),
        (timedelta(hours=3, minutes=4), "+3 h 4 min"),
        (timedelta(days=2, hours=3), "+2 d 3 h"),
    ],
)
def test_a_gap_is_shown_in_units_that_one_can_read(gap, shown):
    assert pause(gap) == shown


def test_times_are_shown_as_in_china():
    expected = '<time datetime="2026-11-23T09:30:00.123000+08:00">2026-11-23 09:30:00.123</time>'
    assert moment("2026-11-23T01:30:00.123Z") == expected
    assert moment(datetime(2026, 11, 23, 1, 30, 0, 123000, UTC)) == expected
    assert moment(None) == "–"


def test_numbers_of_orders_lead_to_their_payments_and_nothing_else_of_a_text_is_markup():
    sn = "HSO2026112309302612345678"
    assert linked(f'<b>{sn}, "{sn}1"') == f'&lt;b&gt;<a href="/console/payments/{sn}">{sn}</a>, &#34;{sn}1&#34;'
    assert linked("PMT2026112309302612345678 & –") == "PMT2026112309302612345678 &amp; –"
