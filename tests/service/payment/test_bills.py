"""Downloading a bill: what arrives is what was announced, or nothing is left behind."""

import gzip
import hashlib
import json
from datetime import date

import httpx
import pytest

from payment.wechat.bills import BillNotReady, Bills, NoBill
from payment.wechat.client import WechatPay
from payment.wechat.crypto import ApiV3Key
from payment.wechat.errors import Ambiguous, BadBill
from payment.wechat.signing import MerchantSigner
from payment.wechat.trade_bill import read_trades
from servicekit.clock import utc_now
from tests.service.payment.wechat import API_V3_KEY, MCHID, SERIAL, FakeWechat
from tests.unit.payment.test_bills import PAID, bill

DAY = date(2026, 11, 22)


class InPieces(httpx.AsyncByteStream):
    def __init__(self, content):
        self._content = content

    async def __aiter__(self):
        for start in range(0, len(self._content), 7):
            yield self._content[start : start + 7]


class BillWechat(FakeWechat):
    """Has one bill; `sends` is what the link leads to."""

    content = bill(PAID).encode()
    digest = hashlib.sha1(content).hexdigest()  # noqa: S324 - the protocol's
    sends = gzip.compress(content)
    host = "https://api.mch.weixin.qq.com"

    def _answer(self, request):
        if request.url.path == "/v3/billdownload/file":
            assert request.headers["Authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")
            return httpx.Response(200, stream=InPieces(self.sends))
        assert request.url.path == "/v3/bill/tradebill"
        assert dict(request.url.params) == {"bill_date": "2026-11-22", "bill_type": "ALL", "tar_type": "GZIP"}
        link = {
            "hash_type": "SHA1",
            "hash_value": self.digest,
            "download_url": f"{self.host}/v3/billdownload/file?token=a-b_c&tartype=gzip",
        }
        return self._signed(200, json.dumps(link).encode())


@pytest.fixture
def wechat():
    return BillWechat()


@pytest.fixture
async def bills(wechat):
    async with httpx.AsyncClient(base_url="https://api.mch.weixin.qq.com", transport=wechat) as http:
        signer = MerchantSigner(MCHID, "7" * 40, wechat.merchant)
        yield Bills(WechatPay(http, signer, ApiV3Key(API_V3_KEY), {SERIAL: wechat.key.public_key()}, utc_now))


async def test_a_bill_is_unzipped_checked_and_can_be_read(bills, tmp_path):
    target = tmp_path / "trade.csv"

    await bills.trade(DAY, target)

    assert [line.order_fen for line in read_trades(target)] == [19900]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    "sends",
    [
        gzip.compress(bill(PAID).encode() + b" "),
        gzip.compress(bill(PAID).encode())[:-12],
        bill(PAID).encode(),
        b"",
    ],
)
async def test_what_does_not_have_the_announced_hash_is_not_left_there(bills, wechat, tmp_path, sends):
    wechat.sends = sends

    with pytest.raises(BadBill):
        await bills.trade(DAY, tmp_path / "trade.csv")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("code", "error"), [("STATEMENT_CREATING", BillNotReady), ("NO_STATEMENT_EXIST", NoBill)])
async def test_a_bill_that_is_not_there_says_whether_it_will_be(bills, wechat, tmp_path, code, error):
    wechat.fail_with = [httpx.Response(400, json={"code": code, "message": ""})]

    with pytest.raises(error):
        await bills.trade(DAY, tmp_path / "trade.csv")


async def test_a_link_to_another_host_is_not_followed(bills, wechat, tmp_path):
    wechat.host = "https://elsewhere.example"

    with pytest.raises(Ambiguous, match="another host"):
        await bills.trade(DAY, tmp_path / "trade.csv")

    assert {request.url.host for request in wechat.requests} == {"api.mch.weixin.qq.com"}
