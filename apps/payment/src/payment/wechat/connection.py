"""Builds all that speaks with WeChat Pay from settings and secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import httpx

from payment.settings import PaymentSettings
from payment.wechat.bills import Bills
from payment.wechat.client import WechatPay
from payment.wechat.crypto import ApiV3Key
from payment.wechat.keys import public_key_of_pem
from payment.wechat.notifications import NotificationReader
from payment.wechat.signing import MerchantSigner
from servicekit.clock import Clock
from servicekit.secrets import parsed
from servicekit.transport import PooledTransport

CONNECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class Connection:
    pay: WechatPay
    bills: Bills
    notifications: NotificationReader
    signer: MerchantSigner
    http: httpx.AsyncClient

    async def close(self) -> None:
        await self.http.aclose()


def connect(
    settings: PaymentSettings,
    secrets: Mapping[str, str],
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Connection:
    """`secrets` has `wxpay-mch-private-key` (PEM), `wxpay-apiv3-key` and, in public-key mode, `wxpay-public-key` (PEM).

    Raises BadSecret for one that is missing or malformed.
    """
    transport = transport or PooledTransport(max_connections=CONNECTIONS)
    http = httpx.AsyncClient(
        base_url=str(settings.wxpay_base_url),
        timeout=httpx.Timeout(settings.wxpay_timeout_seconds, connect=2.0),
        transport=transport,
        trust_env=False,
    )
    api_v3_key = parsed(secrets, "wxpay-apiv3-key", ApiV3Key)
    public_key_id = settings.wxpay_public_key_id
    public_keys = {public_key_id: parsed(secrets, "wxpay-public-key", public_key_of_pem)} if public_key_id else {}
    of_merchant = partial(MerchantSigner.from_pem, settings.wxpay_mchid, settings.wxpay_mch_serial)
    signer = parsed(secrets, "wxpay-mch-private-key", of_merchant)
    pool = transport if isinstance(transport, PooledTransport) else None
    pay = WechatPay(http, signer, api_v3_key, public_keys, clock, pool=pool)
    return Connection(
        pay=pay,
        bills=Bills(pay),
        notifications=NotificationReader(pay.keys, api_v3_key, clock),
        signer=signer,
        http=http,
    )
