"""What a delivery does when the database leaves between the send and its record."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import pytest

from notification import delivery
from notification.claims import Claim, Sent, Unsent
from notification.composing import Templates
from notification.delivery import Delivery
from notification.peers import OrderDetail
from notification.rendering import MessageTexts
from notification.states import Kind, Outcome, Verdict
from notification.wechat.messages import Message
from servicekit.errors import DatabaseUnavailable
from servicekit.telemetry.traces import TraceContext

ACCEPTED = Verdict(Outcome.ACCEPTED, "ok", 0)
CLAIM = Claim(1, "HSO2026112309302612345678", Kind.PAID, 1, TraceContext())
TEMPLATES = Templates({Kind.PAID: "t"}, "", MessageTexts("warning", "untitled", "back", "14:00", "12:00"))


class Book:
    """Stands where Attempts stands; the database is away for the next `outages` records."""

    def __init__(self, outages: int) -> None:
        self.outages = outages
        self.recorded: list[tuple[int, Verdict]] = []

    async def begin(self, claims: Sequence[Claim]) -> dict[int, int]:
        return {claim.task_id: 3 for claim in claims}

    async def end_unsent(self, unsent: Sequence[Unsent]) -> None:
        assert not unsent

    async def record(self, sent: Sequence[Sent]) -> list[Sent]:
        if self.outages:
            self.outages -= 1
            return list(sent)
        self.recorded.extend((each.seq, each.verdict) for each in sent)
        return []


class World:
    """Peers and WeChat in one: everything is there, everything is accepted."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def order(self, sn: str) -> OrderDetail:
        day = date(2026, 12, 1)
        return OrderDetail(
            sn=sn,
            user_id=42,
            homestay_user_id=9,
            title="t",
            trade_state=1,
            checkin_code="CODE2345",
            total_fen=1,
            live_start_date=day,
            live_end_date=day,
        )

    async def orders(self, sns: Collection[str]) -> dict[str, OrderDetail]:
        return {sn: await self.order(sn) for sn in sns}

    async def openids(self, user_ids: Collection[int]) -> dict[int, str]:
        return dict.fromkeys(user_ids, "openid")

    async def get_ready(self) -> None:
        """A token is at hand."""

    async def send(self, message: Message) -> Verdict:
        self.sent.append(message)
        return ACCEPTED


async def deliver(book: Book, world: World) -> None:
    async for _ in wired(book, world).deliver([CLAIM]):
        pass


def wired(book: Book, world: World) -> Delivery:
    doubles: dict[str, Any] = {"attempts": book, "orders": world, "users": world, "messenger": world}
    return Delivery(**doubles, templates=TEMPLATES)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RECORD_PAUSES", (0.0, 0.0, 0.0))


async def test_an_outcome_is_recorded_once_the_database_is_back_and_the_message_sent_once() -> None:
    book, world = Book(outages=3), World()
    await deliver(book, world)
    assert book.recorded == [(3, ACCEPTED)]
    assert len(world.sent) == 1


async def test_an_outcome_that_cannot_be_recorded_stays_unknown_and_the_message_is_sent_once() -> None:
    book, world = Book(outages=4), World()
    with pytest.raises(DatabaseUnavailable):
        await deliver(book, world)
    assert book.recorded == []
    assert len(world.sent) == 1


async def test_a_message_never_shows_its_openid_or_code_when_printed() -> None:
    world = World()
    await deliver(Book(outages=0), world)
    assert repr(world.sent[0]) == "Message(template_id='t', page='')"
    assert "CODE2345" not in repr(await world.order("HSO1"))
