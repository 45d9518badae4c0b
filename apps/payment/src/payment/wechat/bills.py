"""WeChat's bills of a day: downloaded to a file in bounded memory, checked by their hash, read line by line."""

import csv
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from payment.wechat.client import BillLink, WechatPay
from payment.wechat.errors import BadBill, Meaning, Refused
from servicekit.clock import SHANGHAI

LARGEST_BYTES = 2 * 1024**3
"""Unzipped; a bill beyond it is a mistake or an attack."""
MOST_FEN = 10**15
_YUAN = re.compile(r"(-?)(\d{1,13})(?:\.(\d{1,2})(0*))?")


class BillNotReady(Exception):
    """WeChat is still making it: after ten o'clock the next day it is there."""


class NoBill(Exception):
    """There was no business on that day: nothing to read, and no mistake."""


class Bills:
    """`trade` and `fund` write a day's bill to `target`; what does not have the announced hash is not left there."""

    def __init__(self, wechat: WechatPay) -> None:
        self._wechat = wechat

    async def trade(self, day: date, target: Path, *, kind: Literal["ALL", "SUCCESS", "REFUND"] = "ALL") -> None:
        """申请交易账单. Raises BillNotReady, NoBill, BadBill, WechatError."""
        await self._download("tradebill", {"bill_date": day.isoformat(), "bill_type": kind}, target)

    async def fund(self, day: date, target: Path, *, account: Literal["BASIC", "OPERATION", "FEES"] = "BASIC") -> None:
        """申请资金账单. Raises as `trade`."""
        await self._download("fundflowbill", {"bill_date": day.isoformat(), "account_type": account}, target)

    async def _download(self, name: str, query: Mapping[str, str], target: Path) -> None:
        try:
            link = await self._wechat.bill_link(f"/v3/bill/{name}?{urlencode({**query, 'tar_type': 'GZIP'})}")
        except Refused as error:
            if error.meaning is Meaning.NOT_READY:
                raise BillNotReady(str(error)) from error
            if error.meaning is Meaning.NOTHING_THERE:
                raise NoBill(str(error)) from error
            raise
        part = target.with_name(target.name + ".part")
        try:
            await self._save(link, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    async def _save(self, link: BillLink, target: Path) -> None:
        """Unzip on the way, hash what is unzipped: the announced SHA1 is over that."""
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        with closing(target.open("wb")) as file:
            async for chunk in self._wechat.download(link.download_url):
                pending = chunk
                while pending:
                    plain = _inflated(unzip, pending)
                    pending, size = unzip.unconsumed_tail, size + len(plain)
                    if size > LARGEST_BYTES:
                        raise BadBill(f"larger than {LARGEST_BYTES} bytes")
                    digest.update(plain)
                    file.write(plain)
        if not unzip.eof or link.hash_type != "SHA1" or digest.hexdigest() != link.hash_value.lower():
            raise BadBill("the file does not have the announced hash")


def _inflated(unzip: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return unzip.decompress(data, 1 << 20)
    except zlib.error as error:
        raise BadBill("not a gzip file") from error


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


_MONEY = {"订单金额", "应结订单金额", "代金券金额", "申请退款金额", "退款金额"}
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
_SUMMARY = "总交易单数"


def read_trades(path: Path) -> Iterator[TradeLine]:
    """The lines of a trade bill (ALL, SUCCESS or REFUND), one at a time. Raises BadBill, also when the summary at its end
    does not say as many."""
    with path.open("r", encoding="utf-8-sig", errors="strict", newline="") as file:
        yield from parse_trades(file)


def parse_trades(file: io.TextIOBase | Iterator[str]) -> Iterator[TradeLine]:
    """As `read_trades`, of text lines."""
    try:
        yield from _parsed(csv.reader(iter(file), quoting=csv.QUOTE_NONE, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadBill(f"cannot be read: {type(error).__name__}") from error


def _parsed(rows: Iterator[list[str]]) -> Iterator[TradeLine]:
    columns = next(rows, [])
    columns = [each.removeprefix("\ufeff").strip() for each in columns]
    if missing := [each for each in _NEEDED if each not in columns]:
        raise BadBill(f"columns are missing: {', '.join(missing)}")
    count = 0
    for row in rows:
        if not any(row):
            continue
        if row[0].strip() == _SUMMARY:
            said = next(rows, [])
            if not said or _cell(said[0]) != str(count):
                raise BadBill(f"the summary says {said[:1]}, there are {count} lines")
            return
        if len(row) != len(columns):
            raise BadBill(f"line {count + 1} has {len(row)} cells, {len(columns)} were announced")
        count += 1
        yield _line(dict(zip(columns, map(_cell, row), strict=True)))
    raise BadBill("the summary is missing: the file was cut")


def _cell(text: str) -> str:
    if not text.startswith("`"):
        raise BadBill("a cell does not begin with a backtick")
    return text[1:].strip()


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
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise BadBill(f"no time: {text[:30]!r}") from error


def fen(yuan: str) -> int:
    """`"199.00"` → 19900, exactly: parts of a fen, exponents and floats are refused. Raises BadBill."""
    match = _YUAN.fullmatch(yuan)
    if match is None or not yuan.isascii():
        raise BadBill(f"no amount: {yuan[:30]!r}")
    sign, whole, cents = match[1], match[2], (match[3] or "").ljust(2, "0")
    amount = int(whole) * 100 + int(cents)
    return -amount if sign else amount
