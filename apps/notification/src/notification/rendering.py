"""Renders the fields of subscribe messages as values that WeChat's field types accept. Pure."""

import bisect
import itertools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from notification.states import Kind
from servicekit.clock import SHANGHAI
from servicekit.money import yuan_text

THING_LIMIT = 20
CHARACTER_STRING_LIMIT = 32
AMOUNT_DIGITS = 10

Data = dict[str, dict[str, str]]


class Unrenderable(ValueError):
    """A value that does not fit its field type, and that truncation would falsify."""


class Silence(StrEnum):
    """What goes back of a refund request that its merchant does not answer."""

    ALL = "all"
    SHARE = "share"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Refund:
    """A completed refund: amount in fen and when it was completed; or a refund request: amount and answer deadline.
    `cause` as in the event; of a request, what silence means."""

    fen: int
    at: datetime
    cause: str = ""


@dataclass(frozen=True)
class Stay:
    """The order's data that messages show; amounts in fen."""

    order_sn: str
    title: str
    total_fen: int
    first_day: date
    last_day: date
    code: str
    refund: Refund | None = None


@dataclass(frozen=True)
class MessageTexts:
    """Constant texts of the messages, from messages.toml; the times of day from the settings."""

    code_warning: str
    untitled: str
    refund_done: str
    checkin_time: str
    checkout_time: str
    given_back: Mapping[str, str] = field(default_factory=dict)
    """By the cause of the refund; `refund_done` for any other cause."""
    refund_asked: Mapping[str, str] = field(default_factory=dict)
    """By what silence means (`Silence`)."""


def render(kind: Kind, stay: Stay, texts: MessageTexts) -> Data:
    """`data` of the send request. Raises Unrenderable."""
    if kind is Kind.PAID:
        return _values(
            character_string6=character_string(stay.order_sn),
            thing1=thing(stay.title, otherwise=texts.untitled),
            amount2=amount(stay.total_fen),
            time4=f"{day(stay.first_day)} {texts.checkin_time}",
            time5=f"{day(stay.last_day)} {texts.checkout_time}",
        )
    if kind is Kind.BEFORE_ARRIVAL:
        return _values(
            date2=day(stay.first_day),
            date3=day(stay.last_day),
            character_string4=character_string(stay.code),
            thing1=thing(texts.code_warning, otherwise=texts.untitled),
        )
    if stay.refund is None:
        raise Unrenderable("no refund")
    remarks = {
        Kind.REFUNDED: texts.refund_done,
        Kind.GIVEN_BACK: texts.given_back.get(stay.refund.cause, texts.refund_done),
        Kind.REFUND_ASKED: texts.refund_asked.get(stay.refund.cause, ""),
    }
    return _values(
        character_string1=character_string(stay.order_sn),
        thing2=thing(stay.title, otherwise=texts.untitled),
        amount3=amount(stay.refund.fen),
        time4=minute(stay.refund.at),
        thing5=thing(remarks[kind], otherwise=texts.untitled),
    )


def thing(text: str, *, otherwise: str) -> str:
    """One line of at most 20 characters; truncated text ends in `…`. `otherwise` when no visible character is left.

    A character outside the basic multilingual plane counts twice, so that the text fits in UTF-16 units, too. Combining
    characters stay with their letter.
    """
    line = " ".join("".join(map(_visible, text)).split())
    if not line:
        return otherwise
    widths = list(itertools.accumulate(2 if ord(char) > 0xFFFF else 1 for char in line))
    if widths[-1] <= THING_LIMIT:
        return line
    end = bisect.bisect_left(widths, THING_LIMIT)  # one place is for the ellipsis
    while end and unicodedata.category(line[end]).startswith("M"):
        end -= 1
    return line[:end].rstrip() + "…"


def character_string(text: str) -> str:
    """1–32 printable ASCII characters. Raises Unrenderable instead of truncating: a shortened number or code is
    wrong."""
    if not 1 <= len(text) <= CHARACTER_STRING_LIMIT or not all("!" <= char <= "~" for char in text):
        raise Unrenderable(f"{len(text)} characters that a character_string cannot carry")
    return text


def amount(fen: int) -> str:
    """`19900` fen → `¥199.00`. Raises Unrenderable beyond ten digits."""
    text = yuan_text(fen)
    if fen < 0 or len(text) - 1 > AMOUNT_DIGITS:
        raise Unrenderable("an amount beyond ten digits")
    return f"¥{text}"


def day(moment: date) -> str:
    return f"{moment.year:04d}年{moment.month}月{moment.day}日"


def minute(moment: datetime) -> str:
    """Date and time of day in Asia/Shanghai."""
    local = moment.astimezone(SHANGHAI)
    return f"{day(local)} {local:%H:%M}"


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if category.startswith("C") else char


def _values(**fields: str) -> Data:
    return {name: {"value": value} for name, value in fields.items()}
