"""The system page: each service and its sidecar, what it should have and has, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi.responses import Response

from gateway.console.routing import new_router
from gateway.console.statuses import all_services
from gateway.console.visits import SignedIn

router = new_router()
ACTS = ()

Problem = tuple[str, Mapping[str, str]]
"""Its text is `problem_<first>` of the page's catalogue, which quotes the members of the second."""


@router.get("/console/system")
async def system(visit: SignedIn) -> Response:
    readings = await all_services(visit)
    texts = visit.texts("system")
    problems = {
        each.service: [texts[f"problem_{name}"].format_map(quoted) for name, quoted in problems_of(each.data)]
        for each in readings
        if each.data is not None
    }
    return visit.page("system", readings=readings, problems=problems)


def problems_of(status: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a service that responds, worst first."""
    if status["databaseProblem"]:
        yield "database", {"problem": status["databaseProblem"]}
    if status["sidecar"]["problem"]:
        yield "sidecar", {"problem": status["sidecar"]["problem"]}
    for topic in status["subscriptions"]:
        if topic["wanted"] and topic["active"] is False:
            yield "unread", {"topic": topic["topic"]}
    for job in status["jobs"]:
        if job["hasCron"] is False:
            yield "no_cron", {"job": job["name"]}
        if job["at"] and job["claimed"] is None:
            yield "failed", {"job": job["name"], "error": job["error"] or ""}
    versions = {each["version"] for each in status["replicas"] or () if each["up"]}
    if len(versions) > 1:
        yield "versions", {"versions": ", ".join(sorted(versions))}
