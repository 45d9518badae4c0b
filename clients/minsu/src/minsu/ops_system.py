"""How each service runs, as it tells itself; one that does not respond is part of the result."""

from typing import Any

from minsu.api import Api
from minsu.errors import CommandFailed, Refused

SERVICES = ("gateway", "usercenter", "travel", "order", "payment", "notification")


def system(api: Api) -> list[dict[str, Any]]:
    """The status of every service; `problem` says why it is missing, and is null otherwise. Raises CommandFailed when the
    gateway itself does not respond."""
    return [_status(api, each) for each in SERVICES]


def _status(api: Api, service: str) -> dict[str, Any]:
    try:
        return {"problem": None, **api.call(f"/{service}/v1/ops/system")}
    except Refused as refused:
        if refused.status in {401, 403}:
            raise
        return {"service": service, "problem": str(refused)}


def summary(status: dict[str, Any]) -> dict[str, Any]:
    """One line of a service: what is wrong with it comes first in `problems`."""
    if status["problem"]:
        return {"service": status["service"], "version": None, "replicas": None, "problems": status["problem"]}
    replicas = status["replicas"]
    return {
        "service": status["service"],
        "version": status["version"],
        "replicas": sum(each["up"] for each in replicas) if replicas is not None else None,
        "problems": "; ".join(problems(status)) or None,
    }


def problems(status: dict[str, Any]) -> list[str]:
    """What is wrong with a service that responds, worst first: the console's system page has the same rule."""
    found = [f"database: {status['databaseProblem']}"] if status["databaseProblem"] else []
    if status["sidecar"]["problem"]:
        found.append(status["sidecar"]["problem"])
    found += [
        f"does not read {each['topic']}"
        for each in status["subscriptions"]
        if each["wanted"] and each["active"] is False
    ]
    found += [f"no cron ticks {each['name']}" for each in status["jobs"] if each["hasCron"] is False]
    found += [
        f"{each['name']} failed: {each['error']}" for each in status["jobs"] if each["at"] and each["claimed"] is None
    ]
    versions = sorted({each["version"] for each in status["replicas"] or () if each["up"]})
    return found + ([f"replicas of versions {', '.join(versions)}"] if len(versions) > 1 else [])


def jobs(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last ticks of all services that responded."""
    return [
        {"service": status["service"], **job} for status in found if not status["problem"] for job in status["jobs"]
    ]


def topics(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each topic as each of its consumers has it, with when it was last published."""
    told = [status for status in found if not status["problem"]]
    published = {each["topic"]: each["publishedAt"] for status in told for each in status["published"]}
    received = {(status["service"], each["topic"]): each for status in told for each in status["received"]}
    never = {"handledAt": None, "occurredAt": None, "retriedAt": None}
    return [
        {"consumer": status["service"], "publishedAt": published.get(each["topic"]), **never}
        | {"topic": each["topic"], **received.get((status["service"], each["topic"]), {})}
        for status in told
        for each in status["subscriptions"]
        if each["wanted"] and not each["topic"].endswith(".dlq")
    ]


def choose(found: list[dict[str, Any]], service: str) -> dict[str, Any]:
    """Raises CommandFailed for a name that is no service's, and for one that does not respond."""
    chosen = next((each for each in found if each["service"] == service), None)
    if chosen is None:
        raise CommandFailed(f"there is no service {service}", f"one of: {', '.join(SERVICES)}")
    if chosen["problem"]:
        raise CommandFailed(f"{service} does not answer: {chosen['problem']}")
    return chosen
