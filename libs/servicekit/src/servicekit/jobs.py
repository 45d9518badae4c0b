"""The route class of the cron bindings' endpoints: notes each tick, its result and its fault (`activity`)."""

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from servicekit.activity import Activity


class JobRoute(APIRoute):
    """`APIRouter(route_class=JobRoute)`. The endpoint returns `claimed`, the number of rows that it took."""

    @property
    def job(self) -> str:
        """The name of the cron binding."""
        return self.path_format.rpartition("/")[2]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        job = self.job

        async def tick(request: Request) -> Response:
            activity: Activity = request.app.state.activity
            with activity.tick(job) as running:
                response = await handle(request)
                running.claimed = json.loads(bytes(response.body))["claimed"]
            return response

        return tick


def jobs_of(routers: Sequence[APIRouter]) -> frozenset[str]:
    """The names of the cron bindings whose endpoints are in `routers`; all other routes are of another class."""
    return frozenset(route.job for router in routers for route in router.routes if isinstance(route, JobRoute))
