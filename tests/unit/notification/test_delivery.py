"""What a delivery does when the database leaves between the send and its record."""

from datetime import date
from typing import Any

import pytest

from notification import delivery
from notification.attempts import Claim
from notification.delivery import Delivery, Templates
from notification.peers import OrderDetail
from notification.rendering import MessageTexts
from notification.states import Kind, Outcome, Verdict
from notification.wechat.messages import Message
from servicekit.errors import DatabaseUnavailable

ACCEPTED = Verdict(Outcome.ACCEPTED, "ok", 0)
CLAIM = Claim(1, "HSO2026112309302612345678", Kind.PAID, 1, None)
TEMPLATES = Templates({Kind.PAID: "t"}, "", MessageTexts("warning", "untitled", "back", "14:00", "12:00"))


class Book:
    """Stands where Attempts stands; the database is away for the next `outages` records."""

    def __init__(self, outages: int) -> None:
        self.outages = outages
        self.recorded: list[tuple[int, Verdict]] = []

    async def begin(self, _: Claim) -> int:
        return 3

    async def record(self, _: Claim, seq: int, verdict: Verdict) -> None:
        if self.outages:
            self.outages -= 1
            raise DatabaseUnavailable
        self.recorded.append((seq, verdict))


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

    async def openid(self, _: int) -> str:
        return "openid"

    async def get_ready(self) -> None:
        """A token is at hand."""

    async def send(self, message: Message) -> Verdict:
        self.sent.append(message)
        return ACCEPTED


def wired(book: Book, world: World) -> Delivery:
    doubles: dict[str, Any] = {"attempts": book, "orders": world, "users": world, "messenger": world}
    return Delivery(**doubles, templates=TEMPLATES)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RECORD_PAUSES", (0.0, 0.0, 0.0))


async def test_an_outcome_is_recorded_once_the_database_is_back_and_the_message_sent_once() -> None:
    book, world = Book(outages=3), World()
    await wired(book, world).deliver(CLAIM)
    assert book.recorded == [(3, ACCEPTED)]
    assert len(world.sent) == 1


async def test_an_outcome_that_cannot_be_recorded_stays_unknown_and_the_message_is_sent_once() -> None:
    book, world = Book(outages=4), World()
    with pytest.raises(DatabaseUnavailable):
        await wired(book, world).deliver(CLAIM)
    assert book.recorded == []
    assert len(world.sent) == 1


async def test_a_message_never_shows_its_openid_or_code_when_printed() -> None:
    world = World()
    await wired(Book(outages=0), world).deliver(CLAIM)
    assert repr(world.sent[0]) == "Message(template_id='t', page='')"
    assert "CODE2345" not in repr(await world.order("HSO1"))
