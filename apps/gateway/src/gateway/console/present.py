"""What a service knows at this moment of what an act is done to: its confirmation shows that, in the reader's words."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.console.errors import ServiceRefused
from gateway.console.rendering import moment
from gateway.console.visits import SECONDS, Visit
from servicekit.errors import PeerUnavailable
from servicekit.money import yuan_text

Present = Mapping[str, str]
"""What is shown, by its label: `now_<name>` of the texts of act. Empty where nothing is known."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Words:
    """Values of an API as the reader of `visit` knows them from the console's lists."""

    visit: Visit

    def named(self, page: str, prefix: str, value: object) -> str:
        """The text `<prefix><value>` of a page; the value itself where it has none, a dash for none."""
        return "–" if value in {None, ""} else self.visit.texts(page).get(f"{prefix}{value}", str(value))

    def amount(self, fen: int | None) -> str:
        return "–" if fen is None else self.visit.texts("act")["amount"].format(yuan=yuan_text(fen))

    def moment(self, when: str | None) -> str:
        return moment(when)


Look = Callable[[Visit, Mapping[str, Any], Words], Awaitable[Present]]
"""Asks services about the object of an act, by its params. Raises as Visit.ask does."""


async def known(look: Look, visit: Visit, params: Mapping[str, Any]) -> tuple[Present, str]:
    """What is known, and a service's own words why nothing is. One that does not respond is no reason to hide the act: it
    is done, or refused, by the state that the service finds then."""
    try:
        async with asyncio.timeout(SECONDS):
            return await look(visit, params, Words(visit)), ""
    except ServiceRefused as refused:
        return {}, refused.message
    except (PeerUnavailable, TimeoutError):
        return {}, ""


def first(rows: Iterable[Row], **wanted: object) -> Row | None:
    """The first row with these members."""
    return next((row for row in rows if wanted.items() <= row.items()), None)


def of_order(row: Row, words: Words) -> dict[str, str]:
    """Of orderSteps' order."""
    return {
        "amount": words.amount(row["orderTotalFen"]),
        "state": words.named("payment", "order_state_", row["tradeState"]),
        "refund_state": words.named("payment", "refund_state_", row["refundState"]),
        "refunded": words.amount(row["refundedFen"]),
        "homestay": row["title"],
        "stay": f"{row['liveStartDate']} – {row['liveEndDate']}",
    }
