"""Text that every component can store. JSON may carry NUL, which PostgreSQL's text cannot hold, and lone surrogates, which
UTF-8 cannot encode: argon2, the database driver, JSON answers and log streams all fail on them.

Requests with such text are refused by the name of the member (`refuse_unstorable`); what must be kept for review whatever
it holds (a signed notice, an error message of WeChat) is kept with escapes in its place (`shown`).
"""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import Request

from servicekit.errors import InvalidInput

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# In UTF-8 it comes as an escape or as raw bytes; NULs are those of UTF-16 and UTF-32, which JSON readers accept as well.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\x00|\xed[\xa0-\xbf]")
_HINTS = (
    b"\\u",
    b"\x00",
    b"\xed",
)  # without one of them nothing can match; looking for a few bytes costs next to nothing
MESSAGE = "must hold neither the NUL character nor a lone surrogate"


def storable(text: str) -> str:
    """Returns `text`. Raises ValueError when it cannot be stored."""
    if _UNSTORABLE.search(text):
        raise ValueError(MESSAGE)
    return text


def shown(value: Any) -> Any:
    r"""A string with `\u0000` and the like written out in the place of what cannot be stored; anything else as it is."""
    if not isinstance(value, str):
        return value
    return _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


def is_suspect(document: bytes) -> bool:
    """Whether the bytes of a JSON document give reason to look for such text in it; without one there is none."""
    return any(each in document for each in _HINTS) and _SUSPECT.search(document) is not None


def shown_document(document: Any) -> Any:
    """`shown` of every string in a JSON value. Raises RecursionError where it is nested too deeply."""
    if isinstance(document, dict):
        return {name: shown_document(value) for name, value in document.items()}
    if isinstance(document, list):
        return [shown_document(each) for each in document]
    return shown(document)


def unstorable_member(document: Any) -> str | None:
    """Where the first such text is in a JSON value, as `stays.0.title` (`body`: at the top), or None."""
    return next((path or "body" for path, text in _strings(document) if _UNSTORABLE.search(text)), None)


async def refuse_unstorable(request: Request) -> None:
    """A dependency of every route: raises InvalidInput naming the member. Routes that read their bytes themselves (events,
    callbacks) decide themselves. The document is walked only when its bytes give reason to."""
    if getattr(request.scope.get("route"), "body_field", None) is None or not is_suspect(await request.body()):
        return
    try:
        document = await request.json()
    except ValueError:
        return  # not sent as JSON: refused as such
    if field := unstorable_member(document):
        raise InvalidInput(MESSAGE, field=field)


def _strings(document: Any) -> Iterator[tuple[str, str]]:
    """Every string with the path of its member; a member's own name stands under the path of what holds it. No recursion:
    JSON may be nested deeper than the stack."""
    waiting = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for name, each in value.items():
                yield path, name
                waiting.append((f"{path}.{name}" if path else name, each))
        elif isinstance(value, list):
            waiting += [(f"{path}.{index}" if path else str(index), each) for index, each in enumerate(value)]
