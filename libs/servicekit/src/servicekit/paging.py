"""Lists that are read page by page, newest first: the client sends the id of the last row that it has."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute

BIGINT_MAX = 2**63 - 1
"""Above every id of a row."""
S = TypeVar("S", bound=Select[Any])


def newest_first(query: S, row_id: ColumnElement[int] | InstrumentedAttribute[int], *, below: int, limit: int) -> S:
    """At most `limit` rows of `query` whose id is less than `below` (0: no bound), in falling order of `row_id`."""
    page = query.order_by(row_id.desc()).limit(limit)
    return page.where(row_id < below) if below else page
