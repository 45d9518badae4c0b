"""The subscribe messages, field by field, in values that WeChat's type rules accept. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from notification.states import Kind
from servicekit.clock import SHANGHAI
from servicekit.money import yuan_text

THING_LIMIT = 20
CHARACTER_STRING_LIMIT = 32
AMOUNT_DIGITS = 10

Data = dict[str, dict[str, str]]


class Unrenderable(ValueError):
    """A value that no form of its field type can carry; cutting it would make it wrong."""


@dataclass(frozen=True)
class Refund:
    """What went back and when it was back; or what is asked for, and by when it is to be answered. `cause` as the event
    tells it."""

    fen: int
    at: datetime
    cause: str = ""


@dataclass(frozen=True)
class Stay:
    """What the messages tell, as the order has it."""

    order_sn: str
    title: str
    total_fen: int
    first_day: date
    last_day: date
    code: str
    refund: Refund | None = None


@dataclass(frozen=True)
class MessageTexts:
    """What the messages say of themselves; the text comes from the catalogue, the hours from the settings."""

    code_warning: str
    untitled: str
    refund_done: str
    checkin_time: str
    checkout_time: str
    given_back: Mapping[str, str] = field(default_factory=dict)
    """By the cause of the refund; `refund_done` for one that is not here."""
    refund_asked: str = ""


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
        raise Unrenderable("nothing went back")
    said = {
        Kind.REFUNDED: texts.refund_done,
        Kind.GIVEN_BACK: texts.given_back.get(stay.refund.cause, texts.refund_done),
        Kind.REFUND_ASKED: texts.refund_asked,
    }
    return _values(
        character_string1=character_string(stay.order_sn),
        thing2=thing(stay.title, otherwise=texts.untitled),
        amount3=amount(stay.refund.fen),
        time4=minute(stay.refund.at),
        thing5=thing(said[kind], otherwise=texts.untitled),
    )


def thing(text: str, *, otherwise: str) -> str:
    """One line of at most 20 characters; what is cut ends in `…`. `otherwise` when nothing visible is left.

    A character beyond the basic plane counts twice: it fits whichever way the reader counts. No letter is parted from
    its accents.
    """
    line = " ".join("".join(map(_visible, text)).split())
    if not line:
        return otherwise
    if _width(line) <= THING_LIMIT:
        return line
    end = 0
    while _width(line[: end + 1]) < THING_LIMIT:
        end += 1
    while end and unicodedata.category(line[end]).startswith("M"):
        end -= 1
    return line[:end].rstrip() + "…"


def character_string(text: str) -> str:
    """1–32 letters, digits and signs, none of them Chinese. Never cut: a shortened number or code is a wrong one."""
    if not 1 <= len(text) <= CHARACTER_STRING_LIMIT or not all("!" <= char <= "~" for char in text):
        raise Unrenderable(f"{len(text)} characters that a character_string cannot carry")
    return text


def amount(fen: int) -> str:
    """`19900` → `¥199.00`: a sign and at most ten digits."""
    text = yuan_text(fen)
    if fen < 0 or len(text) - 1 > AMOUNT_DIGITS:
        raise Unrenderable("an amount beyond ten digits")
    return f"¥{text}"


def day(moment: date) -> str:
    return f"{moment.year:04d}年{moment.month}月{moment.day}日"


def minute(moment: datetime) -> str:
    """In Shanghai, where the stays are."""
    local = moment.astimezone(SHANGHAI)
    return f"{day(local)} {local:%H:%M}"


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if category.startswith("C") else char


def _width(text: str) -> int:
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def _values(**fields: str) -> Data:
    return {name: {"value": value} for name, value in fields.items()}
