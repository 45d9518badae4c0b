"""One list of what several services keep, newest first, page by page.

The place in the list is one row id per service: `below=order:12,payment:7` is what is older than those rows.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.console.asking import Reading
from gateway.console.numbers import last_id
from gateway.console.visits import Visit

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Merged:
    """`rows` each with its `service`; `missing` are the services that did not tell; `older` is empty on the last page."""

    rows: Sequence[dict[str, Any]]
    missing: Sequence[Reading]
    older: str


def places(text: str, services: Sequence[str]) -> dict[str, int]:
    """`text` as in an address; a service that it does not name begins at its newest row, and so does a wrong number."""
    told = dict(each.partition(":")[::2] for each in text.split(","))
    return {each: last_id(told.get(each, "")) for each in services}


async def newest(visit: Visit, services: Sequence[str], method: str, body: Mapping[str, Any], *, by: str) -> Merged:
    """The newest rows of `services` by the time `by`, below the address's `below`."""
    below = places(visit.query.get("below", ""), services)
    readings = await asyncio.gather(
        *(visit.read(each, method, {**body, "lastId": below[each], "pageSize": PAGE}) for each in services)
    )
    return merge(readings, below, by=by)


def merge(readings: Sequence[Reading], below: Mapping[str, int], *, by: str) -> Merged:
    """A service whose page was not full has nothing older than what it returned."""
    told = [each for each in readings if each.data is not None]
    found = [row | {"service": each.service} for each in told for row in (each.data or {})["list"]]
    rows = sorted(found, key=lambda row: (row[by], row["id"]), reverse=True)[:PAGE]
    is_full = any(len((each.data or {})["list"]) == PAGE for each in told)
    last = dict(below) | {row["service"]: row["id"] for row in rows}  # the oldest of each comes last
    older = ",".join(f"{service}:{row_id}" for service, row_id in last.items() if row_id)
    return Merged(
        rows=rows,
        missing=[each for each in readings if each.data is None],
        older=older if rows and (is_full or len(found) > PAGE) else "",
    )
