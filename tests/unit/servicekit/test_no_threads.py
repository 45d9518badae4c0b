"""Nothing of a request runs in a thread: FastAPI takes a plain function for one that blocks, and a thread costs more than
most requests do."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from tests.contract.documents import apps
from tests.support.services import WITH_API


def endpoints(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:  # what include_router leaves in an app
            yield from endpoints(router.routes)


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from calls(each)


@pytest.fixture(scope="module")
def services():
    return apps()


@pytest.mark.parametrize("name", WITH_API)
def test_every_endpoint_and_dependency_is_a_coroutine(services, name):
    found = list(endpoints(services[name].routes))
    assert len(found) > 5
    plain = {
        call.__qualname__
        for route in found
        for call in calls(route.dependant)
        if not inspect.iscoroutinefunction(call) and not call.__module__.startswith("dapr.")
    }
    assert plain == set()
