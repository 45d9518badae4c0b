"""Operators follow a payment: find its order by whatever is known of it, and see each service's steps as one list."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise
from typing import Any, NamedTuple

from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from minsu.ops import SERVICES, WITH_OUTBOX, given

MOBILE, CHECKIN_CODE = re.compile(r"1[3-9]\d{9}", re.ASCII), re.compile(r"[0-9A-Z]{8}", re.ASCII)
OUR_NUMBER = re.compile(r"(?:HSO|PMT|RFD)\d{22}", re.ASCII)
NUMBER = re.compile(r"[0-9A-Za-z_-]{4,64}", re.ASCII)
UNKNOWN_TO_ORDER, PAYMENT_KNOWS = "order does not know this order", ", payment does"


@dataclass(frozen=True)
class Followed:
    """`steps` of all services, oldest first, each with its `service` and the `gap` in seconds; `missing`: services that
    were unavailable; `notes`: on what the services' records contradict one another."""

    steps: list[dict[str, Any]]
    missing: list[str]
    notes: list[str]


class Typed(NamedTuple):
    """What a typed text may be, in the form that services take; None what it cannot be. A mobile is nothing else."""

    mobile: str | None = None
    code: str | None = None
    number: str | None = None


def read_typed(what: str) -> Typed:
    """As people type and paste: in lower case or full width, with spaces, with hyphens in a mobile or a code, a mobile with
    +86. The console has the same rules (held by `tests/contract/test_console_agrees.py`)."""
    text = _without("ZC", unicodedata.normalize("NFKC", what))
    bare = _without("P", text).upper()
    if mobile := re.fullmatch(rf"(?:(?:\+|00)?86)?({MOBILE.pattern})", bare, re.ASCII):
        return Typed(mobile=mobile[1])
    number = text.upper() if OUR_NUMBER.fullmatch(text.upper()) else text
    return Typed(
        code=bare if CHECKIN_CODE.fullmatch(bare) else None, number=number if NUMBER.fullmatch(number) else None
    )


def _without(categories: str, text: str) -> str:
    """`text` without the characters of Unicode's major categories: Z spaces, C controls, P punctuation."""
    return "".join(each for each in text if unicodedata.category(each)[0] not in categories)


def find(api: Api, what: str, note: str | None = None) -> list[dict[str, Any]]:
    """Orders by a number of ours or WeChat's, a mobile or a check-in code, newest first. `note`: why, for the audit.
    Raises CommandFailed."""
    typed, why = read_typed(what), given(note=note)
    if typed.mobile:
        account = _ask(api, "usercenter", "accountDetail", {"mobile": typed.mobile, **why})
        return _orders(api, {"userId": account["id"], **why})
    if typed.code and (found := _orders(api, {"checkinCode": typed.code, **why})):
        return found
    if typed.number is None:
        if typed.code:
            return []
        raise CommandFailed(f"{what} is no number, mobile or check-in code")
    if typed.number.startswith("HSO") and (found := _orders(api, {"sn": typed.number})):
        return found
    payments = _ask(api, "payment", "paymentFind", {"number": typed.number})["list"]
    return [order for sn in dict.fromkeys(each["orderSn"] for each in payments) for order in _orders(api, {"sn": sn})]


def steps(api: Api, order_sn: str) -> Followed:
    """How the payment of an order went. Raises Refused for one that neither order nor payment knows."""
    missing: list[str] = []
    unknown_to_order: list[Refused] = []

    def told(service: str, name: str, body: dict[str, Any], member: Callable[[dict[str, Any]], Any]) -> Any:
        try:
            return member(_ask(api, service, name, body))
        except Refused as refused:
            if name == "orderSteps" and refused.status == HTTPStatus.NOT_FOUND:
                unknown_to_order.append(refused)
            elif refused.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            else:
                missing.append(service)
            return []

    found = [
        {"service": service, **step}
        for service, name, body in (
            ("order", "orderSteps", {"sn": order_sn}),
            ("payment", "paymentSteps", {"orderSn": order_sn}),
            ("notification", "messageSteps", {"orderSn": order_sn}),
        )
        for step in told(service, name, body, lambda data: data["steps"])
    ]
    events = [
        {"service": service, **event}
        for service in WITH_OUTBOX
        for event in told(service, "publishedEvents", {"key": order_sn}, lambda data: data["list"])
    ]
    found += [step for event in events for step in _of_event(event)]
    refs = [{"source": each["source"], "eventId": each["eventId"]} for each in events]
    topics = {(each["source"], each["eventId"]): each["topic"] for each in events}
    for service in SERVICES if refs else ():
        for received in told(service, "receivedEvents", {"events": refs}, lambda data: [data]):
            found += _of_receipts(service, received, topics)
    has_payments = any(step["what"] == "payment_created" for step in found)
    if unknown_to_order and not has_payments and "payment" not in missing:
        raise unknown_to_order[0]
    notes = [UNKNOWN_TO_ORDER + (PAYMENT_KNOWS if has_payments else "")] if unknown_to_order else []
    return Followed(_with_gaps(found), sorted(set(missing)), notes)


def query_payment(api: Api, sn: str, note: str) -> dict[str, Any]:
    return _ask(api, "payment", "paymentQuery", {"paymentSn": sn, "note": note})


def _ask(api: Api, service: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return api.call(f"/{service}/v1/ops/{name}", body)


def _orders(api: Api, query: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask(api, "order", "orderFind", query)["list"]
    return found


def _of_event(event: dict[str, Any]) -> list[dict[str, Any]]:
    about = {"service": event["service"], "number": event["topic"], "detail": event["traceId"]}
    written = {**about, "at": event["createdAt"], "what": "event_written"}
    if event["publishedAt"] is None:
        return [written | {"detail": event["lastError"] or "not published yet"}]
    return [written, {**about, "at": event["publishedAt"], "what": "event_published"}]


def _of_receipts(
    service: str, received: dict[str, Any], topics: dict[tuple[str, str], str]
) -> Iterator[dict[str, Any]]:
    """Of the events of `topics` (by source and id) those that took effect at a service, and its dead letters of them, as
    `minsu ops replay` takes them."""
    for taken in received["taken"]:
        topic = topics[taken["source"], taken["eventId"]]
        yield {"service": service, "at": taken["receivedAt"], "what": "event_taken", "number": topic}
    for letter in received["letters"]:
        yield {
            "service": service,
            "at": letter["receivedAt"],
            "what": "dead_letter",
            "number": f"{service}:{letter['id']}",
            "after": letter["state"],
            "source": letter["topic"],
            "detail": letter["reason"],
        }


def _with_gaps(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not found:
        return []
    ordered = sorted(found, key=lambda step: datetime.fromisoformat(step["at"]))
    times = [datetime.fromisoformat(step["at"]) for step in ordered]
    gaps = ["", *(f"+{(after - before).total_seconds():.3f}" for before, after in pairwise(times))]
    columns = ("at", "service", "what", "number", "before", "after", "source", "detail", "fen")
    return [{**{name: step.get(name) for name in columns}, "gap": gap} for step, gap in zip(ordered, gaps, strict=True)]
