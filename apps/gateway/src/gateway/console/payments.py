"""The way of a payment: every service's own records of one order in one timeline, and the acts that set it going.

Services are asked side by side, each with its own deadline; one that does not answer is named on the page.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.console import links, steps
from gateway.console.acts import Act
from gateway.console.asking import Reading
from gateway.console.find import ORDER_SN, WAY
from gateway.console.listing import MOST
from gateway.console.present import Present, Words, first, of_order
from gateway.console.refund_causes import ASKED_AGAIN_BY_ORDER
from gateway.console.routing import new_router
from gateway.console.visits import Console, SignedIn, Visit
from servicekit.clock import utc_now

router = new_router()
STEPS_UNTIL, UNTIL = 2.0, 2.7
"""By when the services must have responded to the first round of questions, and to all: with the search before (`find.py`)
the timeline is there within five seconds."""
RECEIVERS = ("order", "payment", "notification", "travel")
WAIT_PAY = 0
"""The trade state of an order that is not paid yet, as far as order knows."""
NOT_PAID = 0
"""The status of a payment that is open."""


async def _payment(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    found = (await visit.ask("payment", "paymentFind", {"number": params["paymentSn"]}))["list"]
    if (row := first(found, sn=params["paymentSn"])) is None:
        return {}
    return {
        "amount": words.amount(row["totalFen"]),
        "state": words.named("payment", "pay_status_", row["payStatus"]),
        "wechat": row["tradeState"] or "–",
        "order": row["orderSn"],
        "until": words.moment(row["expiresAt"]),
        "queried": words.moment(row["askedAt"]),
    }


async def _failed_refund(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    history = await visit.ask("order", "orderSteps", {"sn": params["sn"]})
    refunds = [step["fen"] for step in history["steps"] if step["what"] == "refund_asked"]
    return of_order(history["order"], words) | {"refund": words.amount(refunds[-1] if refunds else None)}


ACTS: tuple[Act, ...] = (
    Act(
        name="payment_query",
        page="payment",
        service="payment",
        method="paymentQuery",
        params={"paymentSn": str},
        look=_payment,
    ),
    Act(
        name="refund_ask_again",
        page="payment",
        service="order",
        method="refundAskAgain",
        params={"sn": str},
        money=True,
        look=_failed_refund,
    ),
)


@router.get(f"{WAY}/{{sn}}")
async def way(sn: str, visit: SignedIn) -> Response:
    return visit.page("payment", **await _found(visit, _order(sn)))


@router.get(f"{WAY}/{{sn}}/steps")
async def part(sn: str, visit: SignedIn) -> Response:
    """The timeline alone, for a page that is open while something is under way."""
    return visit.page("payment_steps", texts="payment", **await _found(visit, _order(sn)))


def _order(sn: str) -> str:
    if not ORDER_SN.fullmatch(sn):
        raise HTTPException(404)
    return sn


async def _found(visit: Visit, sn: str) -> dict[str, Any]:
    """What the templates show of an order: its records, the timeline, and what is missing of it."""
    order, payment, messages, *others = readings = await asyncio.gather(
        visit.read("order", "orderSteps", {"sn": sn}, until=STEPS_UNTIL),
        visit.read("payment", "paymentSteps", {"orderSn": sn}, until=STEPS_UNTIL),
        visit.read("notification", "messageSteps", {"orderSn": sn}, until=STEPS_UNTIL),
        visit.read("order", "publishedEvents", {"key": sn}, until=STEPS_UNTIL),
        visit.read("payment", "publishedEvents", {"key": sn}, until=STEPS_UNTIL),
        *(
            visit.read(each, "deadLetterList", {"number": sn, "pageSize": MOST}, until=STEPS_UNTIL)
            for each in RECEIVERS
        ),
    )
    published, letters = others[:2], others[2:]
    events = [(reading.service, reading.data["list"]) for reading in published if reading.data]
    topics = {(each["source"], each["eventId"]): each["topic"] for _, listed in events for each in listed}
    receipts = await _receipts(visit, topics)
    rows = [row for each in (order, payment, messages) if each.data for row in _rows(each.service, each.data)]
    rows += [row for service, listed in events for row in steps.of_events(service, listed)]
    rows += [row for each in receipts for row in steps.of_receipts(each.service, _records(each, "taken"), topics)]
    rows += [row for service in RECEIVERS for row in steps.of_letters(service, _letters(service, letters, receipts))]
    prepays = [each.get("traceId", "") for each in _records(payment, "payments")]
    return {
        "sn": sn,
        "order": order.data["order"] if order.data else None,
        "is_unknown": order.status == 404 and not _records(payment, "payments"),
        "is_unknown_to_order": order.status == 404 and bool(_records(payment, "payments")),
        "payments": _records(payment, "payments"),
        "refunds": _records(payment, "refunds"),
        "asked_again_by_order": ASKED_AGAIN_BY_ORDER,
        "notices": _records(payment, "notices"),
        "payout": _records(payment, "payout"),
        "tasks": _records(messages, "tasks"),
        "rows": steps.in_order(rows),
        "is_open": _is_open(order, payment, messages) or any(row.after == "waiting" for row in rows),
        "missing": _missing([*readings, *receipts]),
        "forgotten": _forgotten(
            published, [*([order.data["order"]] if order.data else ()), *_records(payment, "payments")]
        ),
        **_links(visit.console, sn, [*prepays, *(row.trace_id for row in rows)]),
    }


def _links(console: Console, sn: str, traces: Iterable[str]) -> dict[str, Any]:
    """To the log lines of the order, and to each of its traces once."""
    trace_ids = dict.fromkeys(filter(None, traces))
    jaeger_url, logs_url = console.jaeger_url, console.logs_url
    return {
        "has_jaeger": bool(jaeger_url),
        "logs": links.to_order(sn, logs_url=logs_url),
        "traces": [links.to_trace(each, jaeger_url=jaeger_url, logs_url=logs_url) for each in trace_ids],
    }


def _letters(service: str, named: Iterable[Reading], receipts: Iterable[Reading]) -> list[dict[str, Any]]:
    """A service's dead letters that name the order, however old, and those of events that publishers still keep: some name
    a homestay alone."""
    found = [letter for each in named if each.service == service for letter in _records(each, "list")]
    return found + [letter for each in receipts if each.service == service for letter in _records(each, "letters")]


def _forgotten(published: Iterable[Reading], known: Iterable[Mapping[str, Any]]) -> dict[int, list[str]]:
    """The publishers that keep events for fewer days than the oldest of these records is old, by the number of days."""
    oldest = min((datetime.fromisoformat(each["createdAt"]) for each in known), default=None)
    found: dict[int, list[str]] = {}
    for each in published:
        days = (each.data or {}).get("keepDays")  # a publisher of an older build does not tell
        if days is not None and oldest is not None and utc_now() - oldest > timedelta(days=days):
            found.setdefault(days, []).append(each.service)
    return found


async def _receipts(visit: Visit, topics: Mapping[tuple[str, str], str]) -> list[Reading]:
    if not topics:
        return []
    body = {"events": [{"source": source, "eventId": event_id} for source, event_id in topics]}
    asked = (visit.read(each, "receivedEvents", body, until=UNTIL) for each in RECEIVERS)
    return list(await asyncio.gather(*asked))


def _rows(service: str, data: Mapping[str, Any]) -> list[steps.Row]:
    return steps.of_service(service, data["steps"])


def _records(reading: Reading, name: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = reading.data[name] if reading.data else []
    return records


def _missing(readings: Iterable[Reading]) -> list[Reading]:
    """One for each service that did not tell all; an order that order or all do not know is said otherwise."""
    failed = {each.service: each for each in readings if each.data is None and each.status != 404}
    return list(failed.values())


def _is_open(order: Reading, payment: Reading, messages: Reading) -> bool:
    """Whether something is under way, so that the page looks again by itself."""
    return (
        bool(order.data and order.data["order"]["tradeState"] == WAIT_PAY)
        or any(each["payStatus"] == NOT_PAID for each in _records(payment, "payments"))
        or any(each["state"] in {"requested", "accepted"} for each in _records(payment, "refunds"))
        or any(each["state"] == "pending" for each in _records(messages, "tasks"))
    )
