"""No state is waited in unseen: each is an end, or has a gauge of its oldest one's age and a bound."""

import re
from datetime import timedelta
from enum import Enum
from pathlib import Path

import pytest
import yaml
from sqlalchemy import CheckConstraint, MetaData

import notification.states
import order.settings
import order.states
import payment.ledger.approval_states
import payment.ledger.payment_states
import payment.ledger.refund_states
import payment.waiting
import travel.states
from servicekit import deadletters, idempotency, inbox, outbox
from servicekit.unfinished import Unfinished
from tests.support.services import modules

REPO = Path(__file__).resolve().parents[2]
OBSERVABILITY = REPO / "deploy" / "observability"
AGED: dict[str, Unfinished] = {
    each.state: each
    for each in [
        *(unfinished for module in modules("waiting").values() for unfinished in module.UNFINISHED),
        *deadletters.UNFINISHED,
    ]
}
ENUMS: list[tuple[str, type[Enum]]] = [
    ("homestay_order", order.states.TradeState),
    ("homestay_order", order.states.RefundState),
    ("order_refund", order.states.RequestState),
    ("third_payment", payment.ledger.payment_states.PayStatus),
    ("refund", payment.ledger.refund_states.RefundState),
    ("refund_approval", payment.ledger.approval_states.ApprovalState),
    ("notification_task", notification.states.TaskState),
    ("delivery_attempt", notification.states.Outcome),
    ("host_application", travel.states.ApplicationState),
    ("homestay_photo", travel.states.PhotoState),
]
ENDS = {
    "homestay_order.cancelled",
    "homestay_order.used",
    "homestay_order.refunded",
    "homestay_order.expired",
    "homestay_order.none",  # no refund was asked for
    "homestay_order.agreed",  # the request to payment is order_refund.requested
    "homestay_order.refused",  # until the buyer asks again
    "homestay_photo.stored",
    "order_refund.returned",
    "order_refund.failed",  # its buyer or host was told, and may request it again
    "third_payment.closed",
    "third_payment.paid",
    "third_payment.refunded",
    "refund.succeeded",
    "refund.closed",
    "refund_approval.approved",
    "refund_approval.declined",
    "refund_approval.expired",
    "notification_task.sent",
    "notification_task.refused",
    "notification_task.invalid",  # an operator corrects the template and sends again; alerted (MessagesAreRejected)
    "notification_task.dead",
    "notification_task.cancelled",
    "delivery_attempt.unknown",  # what the attempts of a task are; the task's own state says whether it goes on
    "delivery_attempt.accepted",
    "delivery_attempt.presumed",
    "delivery_attempt.refused",
    "delivery_attempt.invalid",
    "delivery_attempt.failed",
    "delivery_attempt.not_sent",
    "provider_notice.resolved",
    "host_application.granted",
    "host_application.refused",  # until the user applies again
    "reconciliation.done",
    "reconciliation_difference.settled",
    "reconciliation_difference.asked",
    "reconciliation_difference.review",  # it is a notice by then
    "reconciliation_difference.mended",
}
OTHERWISE = {
    "reconciliation.wanted": "payment_oldest_unfinished_day_seconds",
    "outbox.waiting": "outbox_oldest_seconds",
}
"""Measured under a name of their own, with an alert of their own."""
METADATA: list[MetaData] = [
    *(module.Base.metadata for module in modules("models").values()),
    *(each.metadata for each in (outbox, inbox, deadletters, idempotency)),
]
A_STATE = re.compile(r"^\(?(state|outcome|refund_state) in \(([^)]*)\)")


def of_the_enums():
    return {f"{table}.{member.name.lower()}" for table, kind in ENUMS for member in kind}


def of_the_tables():
    """What check constraints allow in a column that is a state."""
    for metadata in METADATA:
        for table in metadata.tables.values():
            for constraint in table.constraints:
                if isinstance(constraint, CheckConstraint) and (found := A_STATE.match(str(constraint.sqltext))):
                    yield from (f"{table.name}.{word}" for word in re.findall(r"'(\w+)'", found[2]))


def test_every_state_is_an_end_or_has_an_age():
    known = of_the_enums() | set(of_the_tables())
    assert known - ENDS - set(AGED) - set(OTHERWISE) == set()
    assert {
        "refund.requested",
        "provider_notice.needs_review",
        "reconciliation.wanted",
        "homestay_order.asked",
    } <= known


def test_nothing_is_both_an_end_and_waited_for():
    assert (ENDS & set(AGED)) | (ENDS & set(OTHERWISE)) == set()
    own_words = {  # not a column's whole value
        "homestay_order.closing",
        "dead_letter.waiting",
        "dead_letter.poison",
        "foreign_calendar.due",
        "night_comparison.newest",
    }
    assert set(AGED) - of_the_enums() - set(of_the_tables()) == own_words
    assert of_the_enums() | set(of_the_tables()) >= ENDS


@pytest.mark.parametrize("state", AGED)
def test_every_age_has_a_bound(state):
    assert AGED[state].limit.total_seconds() > 0


def rows_of_the_runbook():
    """By state, in the order of the limits beside them, the cell that tells the limits."""
    runbook = (REPO / "docs/runbook.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", runbook.partition("\n## StateDoesNotEnd\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            _, states, limits, _, _ = line.split("|", 4)
            yield re.findall(r"`(\w+\.\w+)`", states), limits


def test_the_runbook_has_a_row_for_every_age():
    listed = [state for states, _ in rows_of_the_runbook() for state in states]
    assert sorted(listed) == sorted({*AGED, "idempotency_key.in_flight"})


def test_the_runbook_tells_the_limit_of_every_age():
    units = {"min": "minutes", "h": "hours", "day": "days", "days": "days"}
    for states, cell in rows_of_the_runbook():
        told = [timedelta(**{units[unit]: int(count)}) for count, unit in re.findall(r"(\d+) (min|h|days?)\b", cell)]
        limits = [AGED[state].limit for state in states if state in AGED]
        assert (told if len(set(limits)) > 1 else told * len(limits)) == limits, cell


@pytest.mark.parametrize(
    ("alert", "state"),
    [
        ("RefundRequestsUnanswered", "homestay_order.asked"),
        ("RefundsFailed", "homestay_order.failed"),
        ("OrdersDoNotClose", "homestay_order.closing"),
    ],
)
def test_an_alert_about_one_state_has_its_limit(alert, state):
    [group] = yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())["groups"]
    [expr] = [each["expr"] for each in group["rules"] if each["alert"] == alert]
    assert float(expr.rpartition(">")[2]) == AGED[state].limit.total_seconds()


def test_a_refund_request_is_late_an_hour_after_it_should_have_ended_by_itself():
    answer = order.settings.Settings.model_fields["refund_answer_seconds"].default
    assert AGED["homestay_order.asked"].limit == timedelta(seconds=answer, hours=1)


def test_the_objective_of_refunds_has_one_bound_everywhere():
    text = (OBSERVABILITY / "slo.yaml").read_text()
    bound = payment.waiting.SUBMITTED_WITHIN.total_seconds()
    divided = re.findall(r"payment_refunds_overdue\) / (\d+)", text)
    buckets = re.findall(r'payment_refund_submission_seconds_bucket\{le="([\d.]+)"', text)
    assert divided
    assert buckets
    assert {float(each) for each in (*divided, *buckets)} == {bound}
    assert f"refunds reach WeChat in {bound / 60:g} minutes" in (REPO / "docs/slo.md").read_text()
