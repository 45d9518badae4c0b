"""Downloads WeChat's bills of a day to a file, in bounded memory, verified by their hash."""

import hashlib
import zlib
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from payment.wechat.client import BillLink, WechatPay
from payment.wechat.errors import BadBill, Meaning, Refused

MAX_BYTES = 2 * 1024**3
"""Maximum unzipped size; a larger bill is an error or an attack."""


class BillNotReady(Exception):
    """WeChat is still generating the bill; it is available from 10:00 on the following day."""


class NoBill(Exception):
    """WeChat has no bill because the day had no transactions; not an error."""


class Bills:
    """`trade` and `fund` write a day's bill to `target`, only if it has the announced hash."""

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
        """Unzip while downloading; the announced SHA1 is of the unzipped data."""
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        with closing(target.open("wb")) as file:
            async for chunk in self._wechat.download(link.download_url):
                pending = chunk
                while pending:
                    plain = _inflated(unzip, pending)
                    pending, size = unzip.unconsumed_tail, size + len(plain)
                    if size > MAX_BYTES:
                        raise BadBill(f"larger than {MAX_BYTES} bytes")
                    digest.update(plain)
                    file.write(plain)
        if not unzip.eof or link.hash_type != "SHA1" or digest.hexdigest() != link.hash_value.lower():
            raise BadBill("the file does not have the announced hash")


def _inflated(unzip: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return unzip.decompress(data, 1 << 20)
    except zlib.error as error:
        raise BadBill("not a gzip file") from error
