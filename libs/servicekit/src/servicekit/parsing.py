"""JSON of a whole delivery. What is odd in one event (its depth, the length of a number, half a character) must not make
the events beside it unreadable."""

import json
import re
from typing import Any

from pydantic_core import from_json

DEEPEST = 100
"""Levels of nesting that are read; our own events and what stands around them have less than ten."""
MOST_DIGITS = 400
_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"


def parsed(document: bytes) -> Any:
    """What is nested deeper than DEEPEST is null, an integer of more than MOST_DIGITS digits a float. Raises ValueError for
    what is no JSON."""
    try:
        return from_json(document)
    except ValueError:
        return json.loads(_shallow(document), parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _shallow(document: bytes) -> bytes:
    depth, kept, begin = 0, list[bytes](), 0
    for found in _BRACKET.finditer(document):
        if found[0] in _OPENING:
            depth += 1
            if depth == DEEPEST + 1:
                kept += [document[begin : found.start()], b"null"]
        elif found[0] in _CLOSING:
            if depth == DEEPEST + 1:
                begin = found.end()
            depth -= 1
    if depth:
        raise ValueError("brackets do not match")
    return b"".join([*kept, document[begin:]])
