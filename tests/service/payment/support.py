"""Payment's parts around doubles of the outside: for tests of its use-cases without HTTP."""

from types import SimpleNamespace
from typing import Any

from payment.merchant import Merchant
from payment.parts import Parts
from payment.peers import OrderPeer, UserPeer
from payment.settings import PaymentSettings
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.sidecar import Sidecar
from servicekit.testing import FakeSidecar
from tests.service.payment.wechat import APPID, MCHID, SERIAL

SETTINGS = {
    "wxpay_base_url": "https://api.mch.weixin.qq.com",
    "wxpay_mchid": MCHID,
    "wxpay_appid": APPID,
    "wxpay_mch_serial": "7" * 40,
    "wxpay_notify_url": "https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxPayCallback",
    "wxpay_refund_notify_url": "https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxRefundCallback",
    "wxpay_public_key_id": SERIAL,
    "refund_spacing_seconds": 0,
}
MERCHANT = Merchant(mchid=MCHID, appid=APPID)


def parts_of(
    db: Database,
    clock: Clock = utc_now,
    *,
    pay: Any = None,
    bills: Any = None,
    sidecar: Sidecar | None = None,
) -> Parts:
    """`pay` and `bills` stand for WeChat; a test that reaches one that it did not give fails there."""
    sidecar = sidecar or FakeSidecar()
    wechat: Any = SimpleNamespace(pay=pay, bills=bills)
    return Parts.wired(
        PaymentSettings(**SETTINGS),
        db=db,
        clock=clock,
        wechat=wechat,
        orders=OrderPeer(sidecar),
        users=UserPeer(sidecar, APPID),
    )
