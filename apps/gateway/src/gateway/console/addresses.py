"""Addresses of the console that come from outside: a result always begins with `/console`, so it leads nowhere else."""

import re
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from gateway.console.sessions import PATH

SIGN_IN, SECOND_FACTOR = f"{PATH}/signin", f"{PATH}/second-factor"
_PAGE = re.compile(rf"{PATH}(?:/[A-Za-z0-9_-]+)*")


def resolve(target: str) -> str:
    """`target`, a path with an optional query, if it can be a page of the console, its query encoded anew and without
    `lang`; else the console's first page."""
    path, _, query = target.partition("#")[0].partition("?")
    if not _PAGE.fullmatch(path):
        return PATH
    rest = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "lang"]
    return f"{path}?{urlencode(rest, errors='replace')}" if rest else path


def own(request: Request) -> str:
    """The request's own address."""
    return resolve(f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}")


def sign_in(target: str, *, ended: bool) -> str:
    """The sign-in page that leads to `target` afterwards; `ended` says that there was a session before."""
    rest = {"next": resolve(target)} | ({"ended": "1"} if ended else {})
    return f"{SIGN_IN}?{urlencode(rest)}"
