"""Downloading a bill: what arrives is what was announced, or nothing is left behind."""

import gzip

import httpx
import pytest

from payment.wechat.bills import BillNotReady, Bills, NoBill
from payment.wechat.client import WechatPay
from payment.wechat.crypto import ApiV3Key
from payment.wechat.errors import Ambiguous, BadBill
from payment.wechat.keys import public_key_of_pem
from payment.wechat.signing import MerchantSigner
from payment.wechat.trade_bill import read_trades
from servicekit.clock import SHANGHAI
from tests.service.payment.wechat import API_V3_KEY, MCHID, MERCHANT_SERIAL, SERIAL, FakeWechat

NUMBER = "PMT2026112209300000000001"


class InPieces(httpx.AsyncByteStream):
    def __init__(self, content):
        self._content = content

    async def __aiter__(self):
        for start in range(0, len(self._content), 7):
            yield self._content[start : start + 7]


class BillWechat(FakeWechat):
    """The link of a bill leads to `host`, and there to what `sends` makes of the file."""

    host = "https://api.mch.weixin.qq.com"
    sends = staticmethod(bytes)

    async def respond(self, request):
        response = await super().respond(request)
        if request.url.path == "/v3/billdownload/file":
            return httpx.Response(200, stream=InPieces(self.sends(response.content)))
        link = response.json()
        if "download_url" in link:
            path = httpx.URL(link["download_url"]).raw_path.decode()
            return self.signed(200, link | {"download_url": self.host + path})
        return response


@pytest.fixture
def wechat(clock):
    return BillWechat(clock=clock)


@pytest.fixture
def day(wechat, clock):
    """Yesterday, with one payment."""
    wechat.prepaid(NUMBER, 19900)
    wechat.pay(NUMBER)
    clock.pass_by(days=1)
    return wechat.paid_at(NUMBER).astimezone(SHANGHAI).date()


@pytest.fixture
async def bills(wechat, clock):
    async with httpx.AsyncClient(base_url="https://api.mch.weixin.qq.com", transport=wechat) as http:
        signer = MerchantSigner(MCHID, MERCHANT_SERIAL, wechat.merchant_key)
        keys = {SERIAL: public_key_of_pem(wechat.key_file("pub_key.pem"))}
        yield Bills(WechatPay(http, signer, ApiV3Key(API_V3_KEY), keys, clock))


async def test_a_bill_is_unzipped_checked_and_can_be_read(bills, wechat, tmp_path, day):
    target = tmp_path / "trade.csv"

    await bills.trade(day, target)

    assert [(line.out_trade_no, line.order_fen) for line in read_trades(target)] == [(NUMBER, 19900)]
    assert list(tmp_path.iterdir()) == [target]
    asked = dict(wechat.requests[0].url.params)
    assert asked == {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}


@pytest.mark.parametrize(
    "sends",
    [
        lambda file: gzip.compress(gzip.decompress(file) + b" "),
        lambda file: file[:-12],
        gzip.decompress,
        lambda _: b"",
    ],
    ids=["more", "less", "not zipped", "nothing"],
)
async def test_what_does_not_have_the_announced_hash_is_not_left_there(bills, wechat, tmp_path, day, sends):
    wechat.sends = sends

    with pytest.raises(BadBill):
        await bills.trade(day, tmp_path / "trade.csv")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fault", "error"), [("bill-not-ready", BillNotReady), ("bill-missing", NoBill)])
async def test_a_bill_that_is_not_there_says_whether_it_will_be(bills, wechat, tmp_path, day, fault, error):
    wechat.sim.faults.set(fault)

    with pytest.raises(error):
        await bills.trade(day, tmp_path / "trade.csv")

    assert list(tmp_path.iterdir()) == []


async def test_a_link_to_another_host_is_not_followed(bills, wechat, tmp_path, day):
    wechat.host = "https://elsewhere.example"

    with pytest.raises(Ambiguous, match="another host"):
        await bills.trade(day, tmp_path / "trade.csv")

    assert {request.url.host for request in wechat.requests} == {"api.mch.weixin.qq.com"}
