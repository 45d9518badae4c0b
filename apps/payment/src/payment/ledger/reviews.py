"""WeChat's words that did not fit our books: a person looks at them and says when they are dealt with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import RowMapping

from payment.errors import NoticeNotFound, NoticeResolved
from payment.ledger import payment_repository
from payment.models import ProviderNotice
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database

OPEN = Gauge("payment_notices_open", "WeChat's words that wait for a person", ["reason"])
Notice = tuple[ProviderNotice, Mapping[str, Any] | None]
"""The notice and the operator's act that resolved it. One that mended itself is resolved without; one that was opened
again is not resolved."""


@dataclass(kw_only=True, eq=False)
class Notices:
    db: Database
    clock: Clock

    async def page(self, *, last_id: int, size: int, state: str | None) -> Sequence[Notice]:
        """Newest first."""
        async with self.db.read() as session:
            notices = await payment_repository.notices(session, below=last_id, size=size, state=state)
            done = await acts.of_subjects(session, [_subject(notice) for notice in notices])
        resolved = {act["subject"]: _plain(act) for act in done}
        return [(notice, resolved.get(_subject(notice)) if notice.state == "resolved" else None) for notice in notices]

    async def measure(self) -> None:
        """How many wait for a person, by every reason that there ever was one for, as a metric."""
        async with self.db.read() as session:
            counts = await payment_repository.open_notices(session)
        for reason, count in counts:
            OPEN.labels(reason).set(count)

    async def resolve(self, operator_id: int, notice_id: int, note: str) -> Notice:
        """Raises NoticeNotFound, NoticeResolved."""
        now = self.clock()
        async with self.db.transaction() as tx:
            notice = await payment_repository.lock_notice(tx, notice_id)
            if notice is None:
                raise NoticeNotFound(f"notice {notice_id}")
            if notice.state == "resolved":
                raise NoticeResolved(f"notice {notice_id} is resolved")
            notice.state = "resolved"
            await acts.record(tx, now, operator_id, "resolve", _subject(notice), note=note)
            await tx.flush()
            act = (await acts.of_subjects(tx, [_subject(notice)]))[-1]
        return notice, _plain(act)


def _subject(notice: ProviderNotice) -> str:
    return f"notice:{notice.id}"


def _plain(act: RowMapping) -> Mapping[str, Any]:
    return {str(name): value for name, value in act.items()}
