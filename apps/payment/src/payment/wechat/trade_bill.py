"""Parses trade bills. WeChat escapes nothing: it writes a backtick before every cell, and a free-text cell may contain
commas, line breaks and backticks. A line with no parse, or with several that differ, becomes Unreadable and never
affects other lines."""

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from payment.wechat.errors import BadBill
from servicekit.clock import SHANGHAI

MAX_RECORD = 64 * 1024
"""Characters of one record; a longer one is Unreadable, truncated to this."""
MAX_SHOWN = 8192
"""Characters kept of an unreadable line."""
_YUAN = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,2}0*)?")
_BETWEEN = ",`"


@dataclass(frozen=True, slots=True)
class TradeLine:
    """One payment (`trade_state` SUCCESS) or refund (REFUND) of a trade bill. `order_fen` is the whole price, coupons
    included; of a refund line only the refund members count."""

    traded_at: datetime
    appid: str
    mchid: str
    transaction_id: str
    out_trade_no: str
    trade_state: str
    order_fen: int
    settled_fen: int
    coupon_fen: int
    refund_id: str
    out_refund_no: str
    refund_fen: int
    refund_settled_fen: int
    refund_state: str
    fee_yuan: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be parsed, from line `at_line` (1-based) on; `text` has no control characters."""

    at_line: int
    text: str
    why: str

    @property
    def key(self) -> str:
        """Identifies the line by position and text."""
        digest = hashlib.sha256(self.text.encode("utf-8", "replace")).hexdigest()
        return f"line {self.at_line} {digest[:12]}"


_MONEY = ("订单金额", "应结订单金额", "代金券金额", "申请退款金额", "退款金额", "充值券退款金额")
_NEEDED = (
    "交易时间",
    "公众账号ID",
    "商户号",
    "微信订单号",
    "商户订单号",
    "交易状态",
    "应结订单金额",
    "手续费",
    "订单金额",
)
_USED = (*_NEEDED, "代金券金额", "微信退款单号", "商户退款单号", "申请退款金额", "退款金额", "退款状态")
_SUMMARY = "总交易单数"
_TIME = r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
_TOKEN = re.compile(r"[^,`\x00-\x1f\x7f\ud800-\udfff]{0,128}")
_FORMS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        (
            *("公众账号ID", "商户号", "特约商户号", "微信订单号", "商户订单号", "用户标识", "交易类型", "交易状态"),
            *("付款银行", "微信退款单号", "商户退款单号", "退款类型", "退款状态", "费率"),
        ),
        _TOKEN,
    ),
    **dict.fromkeys(_MONEY, re.compile(f"(?:{_YUAN.pattern})?")),
    "货币种类": re.compile(r"(?:[A-Z]{3})?"),
    "交易时间": re.compile(_TIME),
    "退款申请时间": re.compile(f"(?:{_TIME})?"),
    "退款成功时间": re.compile(f"(?:{_TIME})?"),
    "手续费": re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,10})?"),
}
"""Formats of the columns that are not free text."""
_BEGIN = re.compile(f"`?{_TIME}{_BETWEEN}")


def read_trades(path: Path) -> Iterator[TradeLine | Unreadable]:
    """Yields the lines of a trade bill (ALL, SUCCESS or REFUND). Raises BadBill when it is no trade bill, or is truncated
    before its summary."""
    with path.open("rb") as file:
        yield from parse_trades(text_of(lines_of(file)))


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yields lines; one longer than `MAX_RECORD` in parts, so that memory is bounded."""
    return iter(lambda: file.readline(MAX_RECORD), b"")


def text_of(lines: Iterable[bytes]) -> Iterator[str]:
    """Decodes UTF-8; WeChat may truncate a name within a character."""
    return (line.decode("utf-8", "replace") for line in lines)


def parse_trades(lines: Iterable[str]) -> Iterator[TradeLine | Unreadable]:
    """As `read_trades`, from text lines with their line ends. When the number of lines differs from the summary's, the last
    item is an Unreadable."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    columns = [each.removeprefix("\ufeff").strip() for each in next(numbered, (1, ""))[1].split(",")]
    if missing := [each for each in _NEEDED if each not in columns]:
        raise BadBill(f"columns are missing: {', '.join(missing)}")
    last: deque[tuple[int, str]] = deque()
    count = 0
    of_file = _Columns(columns)
    for at_line, text in _records(_but_last_two(numbered, last), len(columns)):
        count += 1
        yield of_file.read(at_line, text)
    if len(last) < 2 or not last[0][1].startswith(_SUMMARY) or not (said := re.match("`([0-9]{1,12}),", last[1][1])):
        raise BadBill("the summary is missing: the file was cut")
    if int(said[1]) != count:
        why = f"the summary announces {int(said[1])} lines, there are {count}"
        yield Unreadable(last[1][0], _shown(last[1][1]), why)


def _but_last_two(lines: Iterator[tuple[int, str]], last: deque[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Leaves the last two lines, the summary, in `last`; a line inside a cell may look like it."""
    for line in lines:
        if len(last) == 2:
            yield last.popleft()
        last.append(line)


def _records(lines: Iterator[tuple[int, str]], width: int) -> Iterator[tuple[int, str]]:
    """Yields each record with its first line number; cells may contain line breaks."""
    begun, cells, size, parts = 0, 0, 0, list[str]()
    for number, line in lines:
        if not parts or _BEGIN.match(line) or (cells >= width and line.startswith("`")):
            if parts:
                yield begun, "".join(parts)
            begun, cells, size, parts = number, 1, 0, []
        size += len(line)
        cells += line.count(_BETWEEN)
        if size <= MAX_RECORD or not parts:
            parts.append(line)
    if parts:
        yield begun, "".join(parts)


class _Columns:
    """The columns of one file, in its order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._forms = [_FORMS.get(name) for name in names]
        self._used = [(index, name) for index, name in enumerate(names) if name in _USED]
        plain = _BETWEEN.join(f"({form.pattern if form else '[^`]*'})" for form in self._forms)
        self._plain = re.compile(f"`{plain}\\s*")

    def read(self, at_line: int, text: str) -> TradeLine | Unreadable:
        try:
            return _line(self._cells(text))
        except BadBill as error:
            return Unreadable(at_line, _shown(text), str(error))

    def _cells(self, text: str) -> Mapping[str, str]:
        """The used cells by column name. Where free text looks like further cells, a value counts only if it is the same in
        every possible parse. Raises BadBill."""
        if plain := self._plain.fullmatch(text):  # without a backtick in free text, as nearly all are: fast
            found = plain.groups()
            return {name: found[index] for index, name in self._used}
        if not text.startswith("`") or len(text) > MAX_RECORD:
            raise BadBill("no line of a bill")
        pieces = [piece.strip() for piece in text[1:].split(_BETWEEN)]
        spare = len(pieces) - len(self._names)
        if spare < 0:
            raise BadBill(f"{len(pieces)} cells, {len(self._names)} were announced")
        shifts, cells = self._shifts(pieces, spare), {}
        for index, name in self._used:
            ways = {pieces[index + shift] for shift in shifts[index]}
            if len(ways) != 1:
                raise BadBill(f"{name} can be read in {len(ways)} ways" if ways else "the cells do not fit the columns")
            cells[name] = ways.pop()
        return cells

    def _shifts(self, pieces: Sequence[str], spare: int) -> list[set[int]]:
        """For each column the offsets, in pieces, at which it may start, over all parses in which every column has its
        format and free text takes the `spare` pieces."""
        before, reached = list[set[int]](), {0}
        for index, form in enumerate(self._forms):
            if form is not None:
                reached = {each for each in reached if form.fullmatch(pieces[index + each])}
            before.append(reached)
            if form is None and reached:
                reached = set(range(min(reached), spare + 1))
        possible, after = list[set[int]](), {spare}
        for form, begins in zip(reversed(self._forms), reversed(before), strict=True):
            if form is None and after:
                after = set(range(max(after) + 1))
            after &= begins
            possible.append(after)
        return possible[::-1]


def _line(cells: Mapping[str, str]) -> TradeLine:
    money = {name: fen(cells[name]) if cells.get(name) else 0 for name in _MONEY}
    return TradeLine(
        traded_at=_moment(cells["交易时间"]),
        appid=cells["公众账号ID"],
        mchid=cells["商户号"],
        transaction_id=cells["微信订单号"],
        out_trade_no=cells["商户订单号"],
        trade_state=cells["交易状态"],
        order_fen=money["订单金额"],
        settled_fen=money["应结订单金额"],
        coupon_fen=money["代金券金额"],
        refund_id=cells.get("微信退款单号", "").removeprefix("0") and cells["微信退款单号"],
        out_refund_no=cells.get("商户退款单号", "").removeprefix("0") and cells["商户退款单号"],
        refund_fen=money["申请退款金额"],
        refund_settled_fen=money["退款金额"],
        refund_state=cells.get("退款状态", ""),
        fee_yuan=cells["手续费"],
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise BadBill(f"no time: {text[:30]!r}") from error


@lru_cache(maxsize=4096)  # a bill names few different amounts, each of them many times
def fen(yuan: str) -> int:
    """`"199.00"` → 19900, exactly. Raises BadBill for fractions of a fen and exponents."""
    if _YUAN.fullmatch(yuan) is None:
        raise BadBill(f"no amount: {yuan[:30]!r}")
    whole, _, cents = yuan.lstrip("-").partition(".")
    amount = int(whole) * 100 + int(cents[:2].ljust(2, "0"))
    return -amount if yuan.startswith("-") else amount


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:MAX_SHOWN].strip())
