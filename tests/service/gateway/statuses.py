"""What services tell of themselves and of their queues, for tests of the console's pages."""

from typing import Any

from tests.service.gateway.operators import Operations

AT = "2026-11-23T04:00:00Z"
SERVICES = ("usercenter", "travel", "order", "payment", "notification")
WITH_LETTERS = ("order", "payment", "notification", "travel")
WITH_OUTBOX = ("order", "payment")
TOPIC = "payment-update-paystatus-topic"
JOB = {
    "name": "order-close-unpaid",
    "hasCron": True,
    "at": AT,
    "seconds": 0.021,
    "claimed": 2,
    "error": None,
    "failedAt": None,
}


def status(service: str, **members: Any) -> dict[str, Any]:
    """Of a service that runs as it should."""
    return {
        "service": service,
        "replica": f"{service}-1:8000",
        "version": "1.2.3",
        "startedAt": AT,
        "databaseProblem": None,
        "sidecar": {
            "problem": None,
            "version": "1.18.2",
            "components": [{"name": "pubsub", "type": "pubsub.kafka"}],
        },
        "subscriptions": [],
        "jobs": [],
        "received": [],
        "published": [],
        "replicas": [
            {"name": f"{service}-1:8000", "version": "1.2.3", "startedAt": AT, "seenAt": AT, "up": True},
            {"name": f"{service}-2:8000", "version": "1.2.2", "startedAt": AT, "seenAt": AT, "up": False},
        ],
        "deadLetters": {"waiting": 1, "poison": 2} if service in WITH_LETTERS else None,
    } | members


def subscription(topic: str, *, wanted: bool = True, active: bool | None = True) -> dict[str, Any]:
    return {"topic": topic, "wanted": wanted, "active": active}


def all_run(services: Operations) -> None:
    """Every service runs; order reads payment's topic."""
    for each in SERVICES:
        services.data(f"/{each}/v1/ops/system", status(each))
    received = {
        "topic": TOPIC,
        "handledAt": "2026-11-23T04:00:01.500000Z",
        "occurredAt": AT,
        "newestAt": AT,
        "retriedAt": None,
    }
    order = status(
        "order",
        subscriptions=[subscription(TOPIC), subscription(f"{TOPIC}.order.dlq")],
        jobs=[JOB],
        received=[received],
    )
    services.data("/order/v1/ops/system", order)
    published = [{"topic": TOPIC, "publishedAt": "2026-11-23T04:00:01Z", "newestAt": AT}]
    services.data("/payment/v1/ops/system", status("payment", published=published))


def outbox(**members: Any) -> dict[str, Any]:
    """Of a service that has published everything."""
    return {"waiting": 0, "oldestSeconds": 0.0, "failing": 0, "lastPublishedAt": AT, "oldest": []} | members


def letter(number: int = 7, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "topic": TOPIC,
        "source": "minsu/payment",
        "eventId": f"e-{number}",
        "state": "poison",
        "reason": "unknown order",
        "note": None,
        "attempts": 3,
        "receivedAt": f"2026-11-23T04:00:{number:02d}Z",
        "nextAttemptAt": None,
        "endedAt": None,
    } | members


def act(number: int, at: str, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "operatorId": 9,
        "act": "replay",
        "subject": f"dead-letter:{number}",
        "note": "order is fixed",
        "actedAt": at,
    } | members


def message(number: int = 5, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "orderSn": "HSO2026112309302612345678",
        "kind": "paid",
        "state": "dead",
        "reason": "no access token",
        "cause": "access-token",
        "attempts": 2,
        "nextAttemptAt": None,
        "sentAt": None,
        "createdAt": AT,
        "updatedAt": AT,
        "version": 3,
    } | members


def host(number: int = 4, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "userId": 12,
        "status": "waiting",
        "shopName": "山里小院",
        "contactName": "林",
        "contactMobile": "13800000012",
        "about": "三间房",
        "note": "",
        "problem": None,
        "appliedAt": AT,
        "decidedAt": None,
    } | members


def tell_rows(services: Operations) -> None:
    """A row of each list, and one alone: dead letters, outboxes, acts, messages, hosts."""
    for each in WITH_LETTERS:
        services.data(
            f"/{each}/v1/ops/deadLetterList", {"list": [letter(), letter(8, state="waiting", nextAttemptAt=AT)]}
        )
    for each in WITH_OUTBOX:
        services.data(f"/{each}/v1/ops/outboxStatus", outbox())
    for each in SERVICES:
        services.data(f"/{each}/v1/ops/actList", {"list": [act(1, AT)]})
    services.data("/order/v1/ops/deadLetterDetail", {"letter": letter(), "body": "{}", "acts": []})
    services.data("/notification/v1/ops/taskList", {"list": [message()]})
    services.data("/notification/v1/ops/taskDetail", {"task": message(), "attempts": [], "transitions": []})
    services.data("/travel/v1/ops/hostList", {"list": [host()]})
