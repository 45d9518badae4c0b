"""What one page hands to another, once: the outcome of an act, or the reason that was typed when the session had ended.
Only the page that it is for takes it: others, such as one that reloads itself in another tab, leave it alone."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.console.sessions import PATH

COOKIE = "minsu_console_note"
SECONDS = 300


def leave(response: Response, page: str, note: dict[str, Any], *, secure: bool) -> None:
    """For `page`, an address as `addresses.resolve` returns it."""
    text = urlsafe_b64encode(json.dumps(note | {"page": page}, ensure_ascii=False).encode()).decode()
    response.set_cookie(COOKIE, text, max_age=SECONDS, path=PATH, httponly=True, samesite="strict", secure=secure)


def left(request: Request) -> dict[str, Any]:
    """The note; empty without one, or for a cookie that is not ours."""
    try:
        note = json.loads(urlsafe_b64decode(request.cookies.get(COOKIE, "")))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def clear(response: Response) -> None:
    response.delete_cookie(COOKIE, path=PATH)
