"""States, kinds and reasons of a service, wherever they are written down again: constraints of its tables, schemas, filters
and texts of the console, help of `minsu ops`, numbers in scripts."""

import json
import re
import tomllib
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest
import typer
from pydantic import TypeAdapter
from sqlalchemy import CheckConstraint

import notification.states
import order.settings
import payment.settings
from gateway.console import find, hosts, letters, messages, reconciliation, refund_causes, refunds, rendering, reviews
from minsu import following, ops, ops_cli, purchase, traces
from notification.events import TradeStateUpdated
from notification.models import NotificationTask
from notification.states import Kind, Outcome, TaskState
from order.cancelling import TERMS
from order.states import RefundCause, TradeState
from payment.daily import bill_repair
from payment.daily.bill_comparison import OUR_NUMBER
from payment.daily.report import KIND_LABELS
from payment.ledger.payment_states import PayStatus
from payment.ledger.refund_states import RefundState
from payment.ledger.reviews import Reason
from payment.models import ProviderNotice, ReconciliationDifference, Refund
from payment.refunding import rescue
from servicekit.numbers import business_number
from servicekit.operations import LetterState
from servicekit.schemas import Sn
from servicekit.telemetry import logs
from tests.chaos import quiet
from tests.chaos.refunds import SHARES
from tests.contract.documents import FOLDER
from tests.contract.wording import page_text
from tests.support.services import SOURCES
from travel.models import HostApplication
from travel.search_repository import Sort
from travel.states import ApplicationState
from wechatsim.pay import bill_rows

REPO = Path(__file__).resolve().parents[2]


def values(kind: type[Enum]) -> set[str]:
    return {str(each.value) for each in kind}


def allowed(table, column) -> set[str]:
    """What the check constraint of a table allows in a column."""
    for constraint in table.__table__.constraints:
        text = str(constraint.sqltext) if isinstance(constraint, CheckConstraint) else ""
        if found := re.fullmatch(rf"{column} in \(([^)]*)\)", text):
            return set(re.findall(r"'([^']+)'", found[1]))
    raise AssertionError(f"no constraint on {column}")


NOTICE_STATES = allowed(ProviderNotice, "state")


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        (NotificationTask, "kind", values(Kind)),
        (NotificationTask, "state", values(TaskState)),
        (Refund, "state", values(RefundState)),
        (ReconciliationDifference, "kind", set(bill_repair.KINDS)),
        (HostApplication, "state", values(ApplicationState)),
    ],
)
def test_the_table_allows_every_value_and_no_other(table, column, expected):
    assert allowed(table, column) == expected


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        (messages.KINDS, values(Kind)),
        (messages.STATES, values(TaskState)),
        (refunds.STATES, values(RefundState)),
        (reviews.STATES, NOTICE_STATES),
        (reconciliation.KINDS, set(bill_repair.KINDS)),
        (letters.STATES, values(LetterState)),
        (hosts.STATES, values(ApplicationState)),
    ],
)
def test_the_console_filters_by_every_value(offered, expected):
    assert sorted(offered) == sorted(expected)


def test_the_console_offers_acts_for_reasons_that_there_are():
    assert set(reviews.RESCUES) <= values(Reason)


@pytest.mark.parametrize(
    ("page", "prefix", "expected"),
    [
        ("messages", "kind", values(Kind)),
        ("messages", "state", values(TaskState)),
        ("message", "kind", values(Kind)),
        ("message", "state", values(TaskState)),
        ("message", "outcome", values(Outcome)),
        ("reviews", "reason", values(Reason)),
        ("refunds", "state", values(RefundState)),
        ("refunds", "cause", values(RefundCause)),
        ("reconciliation_day", "kind", set(bill_repair.KINDS)),
        ("reconciliation_day", "outcome", allowed(ReconciliationDifference, "outcome")),
        ("payment_list", "status", values(PayStatus)),
        ("payment", "pay_status", values(PayStatus)),
        ("payment", "order_state", values(TradeState)),
        ("find", "order_state", values(TradeState)),
        ("letters", "state", values(LetterState)),
        ("letter", "state", values(LetterState)),
        ("hosts", "status", values(ApplicationState)),
    ],
)
def test_the_console_has_a_text_for_every_value(page, prefix, expected):
    texts = tomllib.loads((SOURCES["gateway"] / "locale" / "console" / f"{page}.zh.toml").read_text())
    assert {f"{prefix}_{each}" for each in expected} - texts.keys() == set()


def test_the_report_of_a_day_has_a_text_for_every_kind_of_difference():
    assert set(KIND_LABELS) == set(bill_repair.KINDS)


@pytest.mark.parametrize(
    ("service", "request_model", "member", "expected"),
    [
        ("payment", "DifferenceQuery", "kind", set(bill_repair.KINDS)),
        ("payment", "RefundQuery", "state", values(RefundState)),
        ("payment", "NoticeQuery", "state", NOTICE_STATES),
        ("notification", "ResendRequest", "state", set(messages.RESENDABLE)),
        ("order", "OrderQuery", "tradeState", values(TradeState) | {"-99"}),
    ],
)
def test_a_request_takes_every_value(service, request_model, member, expected):
    found = json.loads((FOLDER / f"{service}.public.json").read_text())["components"]["schemas"][request_model]
    [enum] = re.findall(r'"enum": (\[[^]]*\])', json.dumps(found["properties"][member]))
    assert {str(each) for each in json.loads(enum)} == expected


@pytest.mark.parametrize(
    ("command", "option", "expected"),
    [
        ("dead-letters", "service", set(ops.SERVICES)),
        ("acts", "service", set(ops.WITH_ACTS)),
        ("dead-letters", "state", values(LetterState)),
        ("notices", "state", NOTICE_STATES),
        ("refunds", "state", values(RefundState)),
        ("tasks", "state", values(TaskState)),
        ("tasks", "kind", values(Kind)),
        ("hosts", "status", values(ApplicationState)),
        ("payments", "status", values(PayStatus)),
    ],
)
def test_the_help_of_minsu_ops_names_every_value(command, option, expected):
    [found] = [each for each in typer.main.get_command(ops_cli.app).commands[command].params if each.name == option]
    assert expected <= set(re.findall(r"-?\w+", found.help))


def test_scripts_of_the_pages_number_the_states_of_an_order_as_order_does():
    script = (SOURCES["gateway"] / "static" / "js" / "states.js").read_text()
    numbers = {name: int(number) for name, number in re.findall(r"const (\w+) = (-?\d+);", script)}
    for state in TradeState:
        assert numbers[state.name] == state
    assert (numbers["NOT_PAID"], numbers["PAID"]) == (PayStatus.WAITING, PayStatus.PAID)
    listed = re.search(r"TRADE_STATES = \[([^]]*)\]", script)
    assert listed
    assert sorted(listed[1].split(", ")) == sorted(TradeState.__members__)


def test_guests_can_choose_every_order_of_what_search_found():
    pages = SOURCES["gateway"]
    script = (pages / "static" / "js" / "search.js").read_text()
    listed = re.search(r"SORTS = \[([^]]*)\]", script)
    assert listed
    assert re.findall(r'"(\w+)"', listed[1]) == [each.value for each in Sort]
    offered = re.findall(
        r'<option value="(\w+)">{{ t\.sort_(\w+) }}</option>', (pages / "templates" / "homestays.html").read_text()
    )
    assert offered == [(each.value, each.name.lower()) for each in Sort]


def test_the_command_line_has_a_label_for_every_state_of_an_order():
    assert set(purchase.STATES) == set(TradeState)


def test_messages_are_caused_by_states_that_order_has():
    assert (notification.states.PAID_ORDER, notification.states.REFUNDED_ORDER) == (
        TradeState.WAIT_USE,
        TradeState.REFUNDED,
    )


def test_a_mobile_looks_the_same_everywhere():
    found = []
    for service, model, member in (("usercenter", "Credentials", "mobile"), ("travel", "Apply", "contactMobile")):
        schemas = json.loads((FOLDER / f"{service}.public.json").read_text())["components"]["schemas"]
        found.append(schemas[model]["properties"][member]["pattern"].strip("^$"))
    found += [each.MOBILE.pattern.replace(r"\d", "[0-9]") for each in (find, following)]
    assert found == ["1[3-9][0-9]{9}"] * 4


def test_the_checklist_says_what_to_do_about_every_reason():
    checklist = (REPO / "docs" / "guides" / "go-live-checklist.md").read_text().partition("\n## What needs review\n")[2]
    assert {each for each in Reason if f"`{each}`" not in checklist} == set()


def test_chaos_expects_the_shares_that_policies_give():
    given = {policy: [(step.days, step.percent) for step in terms.steps] for policy, terms in TERMS.items()}
    assert given == SHARES


def test_chaos_lets_a_hosts_time_to_answer_pass():
    [statement] = [each for each in quiet.DUE["order"] if "refund_opened_at" in each]
    seconds = order.settings.Settings.model_fields["refund_answer_seconds"].default
    assert {int(days) * 86400 for days in re.findall(r"interval '(\d+) day'", statement)} == {seconds}


def test_the_console_offers_a_new_number_for_the_refunds_that_payment_issues_again():
    assert set(refund_causes.ASKED_AGAIN_BY_ORDER) == rescue.ASKED_AGAIN_BY_ORDER <= set(RefundCause)


def test_the_sandbox_takes_the_fee_that_payouts_take_off():
    basis_points = payment.settings.Settings.model_fields["wxpay_fee_basis_points"].default
    assert basis_points == bill_rows.FEE_RATE * 10_000
    assert f"{basis_points / 100:.2f}%" == bill_rows.RATE_TEXT


def test_the_go_seat_masks_members_of_the_same_names_in_its_logs():
    source = (REPO / "seats/notification-go/internal/logging/logging.go").read_text()
    [names] = re.findall(r"var secret = regexp\.MustCompile\(\s*`\(\?i\)([^`]+)`", source)
    assert logs._SECRETS.flags & re.IGNORECASE
    assert set(names.split("|")) == set(logs._SECRETS.pattern.split("|"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("text", "slug"), [("night_full", "night-full"), ("night_closed", "night-closed")])
def test_a_night_that_cannot_be_booked_has_one_text_on_our_pages_and_in_the_api(text, slug, language):
    shown = page_text(f"{language}.toml", text)
    messages = tomllib.loads((SOURCES["order"] / "messages.toml").read_text())
    assert shown.replace("{date}", "{night}") == messages[slug][language]


def test_numbers_are_told_by_their_prefix_as_they_are_made():
    now = datetime.now(UTC)
    order_sn, payment_sn, refund_sn = (business_number(prefix, now) for prefix in ("HSO", "PMT", "RFD"))
    for number in (order_sn, payment_sn, refund_sn):
        TypeAdapter(Sn).validate_python(number)
        assert number[:3] in traces.ATTRIBUTES
    assert TradeStateUpdated.model_validate({"orderSn": order_sn, "tradeState": 1}).order_sn == order_sn
    assert find.ORDER_SN.fullmatch(order_sn)
    assert rendering.ORDER_NUMBER.fullmatch(order_sn)
    for each in (find, following):
        assert all(each.OUR_NUMBER.fullmatch(sn) for sn in (order_sn, payment_sn, refund_sn))
    assert OUR_NUMBER.fullmatch(payment_sn)
