"""Lists that are read page by page and filtered by the address, so that they work without JavaScript and can be shared."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from gateway.console.visits import Visit
from servicekit.clock import utc_now

SIZE = 50
"""Rows of a page."""
MOST = 100
"""Rows that a list returns at once, at most."""
AGES = ("600", "3600", "86400")
"""The ages in seconds that lists offer: `older_<seconds>` of the page's texts."""


def choice(visit: Visit, name: str, known: Collection[str]) -> str:
    """The query's `name` if it is one of `known`; empty, which stands for all, for any other."""
    value = visit.query.get(name, "")
    return value if value in known else ""


def number(visit: Visit, name: str) -> int:
    """The query's `name` as a row's id; 0 without one."""
    value = visit.query.get(name, "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else 0


def page_of(visit: Visit, **filters: Any) -> dict[str, Any]:
    """The body of a list's next page, by the query's `last`; filters that are empty are left out."""
    chosen = {name: value for name, value in filters.items() if value not in {"", None, 0}}
    return chosen | {"lastId": number(visit, "last"), "pageSize": SIZE}


def older(visit: Visit, rows: Sequence[Mapping[str, Any]], member: str = "id", *, name: str = "last") -> str | None:
    """The address of the page after `rows`, which goes on below the last row's `member`; None after the last page."""
    if len(rows) < SIZE:
        return None
    query = {key: value for key, value in visit.query.items() if key != "lang"} | {name: rows[-1][member]}
    return f"{visit.request.scope['path']}?{urlencode(query)}"


def counted(rows: Sequence[object]) -> str:
    """How many rows a list of MOST returned; from MOST on there may be more."""
    return f"{MOST}+" if len(rows) == MOST else str(len(rows))


def age(moment: str | None, now: datetime | None = None) -> str:
    """How long ago a time of an API was, in its two largest units: `3d 4h`, `12m 5s`; a dash for none."""
    if not moment:
        return "–"
    seconds = max(0, int(((now or utc_now()) - datetime.fromisoformat(moment)).total_seconds()))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    first = next((place for place, (value, _) in enumerate(parts) if value), 3)
    return " ".join(f"{value}{unit}" for value, unit in parts[first : first + 2])
