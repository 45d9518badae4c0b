"""Who may come in by the sidecar's door: callers on a method's list, and the app's own deliveries."""

import pytest
from fastapi import APIRouter, Request

from servicekit import callers
from servicekit.app import build
from servicekit.callers import CALLER
from servicekit.clock import utc_now
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, Tokens, called_by, client

TOKEN = "delivery0token0of0this0app"
LIST = {"open": {"order", "payment"}, "closed": set()}


@pytest.fixture
def taken():
    """The paths that a handler was reached at."""
    return []


@pytest.fixture
async def asked(taken):
    """`asked(path, headers, token=…)`: the status of a POST at a service with an internal method, an event and a job."""

    async def ask(path, headers, *, token=TOKEN):
        async with client(service(token, taken)) as http:
            return (await http.post(path, headers=headers)).status_code

    return ask


def service(token, taken):
    internal = APIRouter(prefix="/internal", dependencies=[callers.only(LIST)])
    deliveries = APIRouter()

    async def take(request: Request) -> None:
        taken.append(request.url.path)

    for name in ("open", "closed", "unlisted"):
        internal.add_api_route(f"/{name}", take, methods=["POST"])
    for path in ("/events/paid", "/jobs/tick", "/dapr/subscribe"):
        deliveries.add_api_route(path, take, methods=["POST"])
    return build(
        "order",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN, DELIVERY_TOKEN=token),
        routers=[internal, deliveries],
        sidecar=FakeSidecar(),
        verifier=Tokens().verifier(),
        clock=utc_now,
    )


@pytest.mark.parametrize("app_id", ["order", "payment"])
async def test_a_methods_own_callers_come_in(asked, taken, app_id):
    assert await asked("/internal/open", called_by(app_id)) == 200
    assert taken == ["/internal/open"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/internal/open", called_by("travel")),
        ("/internal/open", SIDECAR_HEADERS),
        ("/internal/open", called_by("")),
        ("/internal/open", called_by("travel, order")),
        ("/internal/open", [*called_by("travel").items(), (CALLER, "order")]),
        ("/internal/open", [*called_by("order").items(), (CALLER, "travel")]),
        ("/internal/open", [*called_by("order").items(), (CALLER, "order")]),
        ("/internal/closed", called_by("order")),
        ("/internal/unlisted", called_by("order")),
    ],
    ids=[
        "another app", "no caller", "an empty one", "two in one value", "a second one after the sidecar's",
        "a second one before it", "the same twice", "a closed method", "a method that no list names",
    ],
)  # fmt: skip
async def test_all_others_are_refused(asked, taken, path, headers):
    assert await asked(path, headers) == 403
    assert taken == []


@pytest.mark.parametrize("path", ["/internal/open", "/events/paid", "/jobs/tick", f"/delivered/{TOKEN}/events/paid"])
async def test_without_the_sidecars_token_no_caller_comes_in(asked, taken, path):
    assert await asked(path, {CALLER: "order"}) == 401
    assert taken == []


@pytest.mark.parametrize("path", ["/events/paid", "/jobs/tick"])
async def test_the_apps_own_deliveries_come_in(asked, taken, path):
    """Also with what looks like a call's header: a message's own headers become its delivery's."""
    assert await asked(f"/delivered/{TOKEN}{path}", SIDECAR_HEADERS) == 200
    assert await asked(f"/delivered/{TOKEN}{path}", called_by("travel")) == 200
    assert taken == [path, path]


WRONG = [
    *("/events/paid", "/jobs/tick", "/dapr/subscribe"),
    *("/delivered/another0token0of0that0app/events/paid", "/delivered//events/paid", "/delivered/events/paid"),
    *(f"/delivered/{TOKEN}", f"/delivered/{TOKEN}/internal/open", f"/delivered/{TOKEN}/dapr/subscribe"),
    *(f"/delivered/{TOKEN}//events/paid", f"/delivered/{TOKEN}/delivered/{TOKEN}/events/paid", "/delivered/"),
]


@pytest.mark.parametrize("path", WRONG)
async def test_what_does_not_show_the_delivery_token_is_refused_and_never_404(asked, taken, path):
    """404 would be "drop" to a sidecar whose token does not match."""
    assert await asked(path, called_by("travel")) == 403
    assert taken == []
    if path != "/dapr/subscribe":  # says nothing that is secret, and a sidecar may ask it
        assert await asked(path, SIDECAR_HEADERS) == 403
        assert taken == []


@pytest.mark.parametrize("path", ["//events/paid", "/internal/../events/paid", "/events%2fpaid", "/Events/paid"])
async def test_another_way_of_writing_the_path_leads_nowhere(asked, taken, path):
    assert await asked(path, SIDECAR_HEADERS) in {403, 404}
    assert taken == []


@pytest.mark.parametrize("path", ["/events/paid", "/jobs/tick", "/dapr/subscribe"])
async def test_where_identities_keep_others_out_a_delivery_needs_no_token_but_is_no_call(asked, taken, path):
    assert await asked(path, called_by("travel"), token="") == 403
    assert await asked(path, {**SIDECAR_HEADERS, "dapr-callee-app-id": "order"}, token="") == 403
    assert taken == []
    assert await asked(path, SIDECAR_HEADERS, token="") == 200
    assert taken == [path]


@pytest.mark.parametrize("token", ["short", "with/slash/and/more", "with blank with blank"])
def test_a_token_that_is_no_path_segment_is_refused_at_start(token):
    with pytest.raises(ValueError, match="DELIVERY_TOKEN"):
        ServiceSettings(APP_API_TOKEN=APP_TOKEN, DELIVERY_TOKEN=token)
