"""Why a page of the console is not what was asked for; `routing.py` turns each into a page."""

from collections.abc import Mapping
from typing import Any


class SessionEnded(Exception):
    """No session, or one whose token is no longer valid: sign in, and come back."""


class NotOperator(Exception):
    """Signed in without the role."""


class Forged(Exception):
    """A form that no page of ours sent in this session; nothing was done."""


class ServiceRefused(Exception):
    """A service's problem. `message` is for the reader, in the reader's language; `field` as in the service's API."""

    def __init__(self, service: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{service}: {status}")
        self.service, self.status = service, status
        self.slug = str(problem.get("type", "")).rpartition("/")[2]
        self.message = str(problem.get("msg") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or "")
        self.field = str(problem.get("field") or "")
        self.trace_id = str(problem.get("trace_id") or "")
