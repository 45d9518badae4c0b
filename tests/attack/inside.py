"""An app that has been taken over calls the others through the sidecars: every internal method, event and job, by every
app that does not need it."""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module

from tests.attack.report import Attempt, side_by_side
from tests.attack.target import Target
from tests.support.invoking import DROPPED, as_app

APPS = ("gateway", "usercenter", "travel", "order", "payment", "notification")
WITH_METHODS = ("usercenter", "travel", "order", "payment")
DOORS = {
    "order": ("events/payment-status", "events/refund-failed", "jobs/order-close-unpaid"),
    "payment": ("events/refund-requested", "jobs/payment-daily-payouts", "jobs/payment-query-open"),
    "travel": (
        "events/order-nights",
        "jobs/travel-approve-hosts",
    ),
    "notification": ("events/order-state", "events/order-refund", "jobs/notification-due"),
}
"""What a sidecar alone delivers: whatever the path, an app that calls is refused."""
LIES: Mapping[str, Mapping[str, str]] = {
    "plainly": {},
    "without its name": DROPPED,
    "as another": {"Dapr-Caller-App-Id": "order"},
}


def attempts(target: Target) -> Iterator[Attempt]:
    return side_by_side(partial(_attempt, target, *cell) for cell in _cells())


def _cells() -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """Who calls, which path, how, with which headers."""
    for callee in WITH_METHODS:
        callers = import_module(f"{callee}.endpoints.internal").CALLERS
        for method, wanted in callers.items():
            for caller in set(APPS) - {callee} - set(wanted):
                for how, headers in LIES.items():
                    yield caller, f"{callee}/internal/{method}", how, headers
    for callee, doors in DOORS.items():
        for door in doors:
            for caller in ("travel" if callee != "travel" else "order", "gateway"):
                for how, headers in LIES.items():
                    yield caller, f"{callee}/{door}", how, headers


def _attempt(target: Target, caller: str, path: str, how: str, headers: Mapping[str, str]) -> Attempt:
    method = "GET" if path.endswith(("jwks", "revocations")) else "POST"
    response = as_app(target.system, caller, method, path, {"orderSn": target.unpaid[0], "userId": 1}, headers)
    return Attempt("inside", f"{path} by {caller}, {how}", {403}, response.status_code)
