"""The audit of hosts: one row per change, written in the change's own transaction; rows are never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from servicekit.db import Database, Transaction
from travel.errors import HomestayNotFound
from travel.hosting import repository
from travel.models import HostChange


def record(
    tx: Transaction,
    now: datetime,
    user_id: int,
    action: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    homestay_id: int | None = None,
) -> bool:
    """Write down what differs between `before` and `after` (JSON values by column). False, and no row, when nothing
    does."""
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not differing:
        return False
    tx.add(
        HostChange(
            user_id=user_id,
            homestay_id=homestay_id,
            action=action,
            before={name: before[name] for name in differing if name in before},
            after={name: after[name] for name in differing if name in after},
            changed_at=now,
        )
    )
    return True


@dataclass(kw_only=True, eq=False)
class Changes:
    db: Database

    async def page(self, user_id: int, homestay_id: int | None, last_id: int, size: int) -> Sequence[HostChange]:
        """The host's own changes, newest first, of one homestay if given. Raises HomestayNotFound for another's."""
        async with self.db.read() as session:
            if homestay_id is not None and await repository.own_homestay(session, user_id, homestay_id) is None:
                raise HomestayNotFound("no such homestay of this host", field="homestayId")
            return await repository.changes(session, user_id, homestay_id, below=last_id, limit=size)
