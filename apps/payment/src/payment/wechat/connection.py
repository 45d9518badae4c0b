"""Builds all that speaks with WeChat Pay from settings and secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payment.settings import PaymentSettings
from payment.wechat.bills import Bills
from payment.wechat.client import WechatPay
from payment.wechat.crypto import ApiV3Key
from payment.wechat.keys import public_key_of_pem
from payment.wechat.notifications import NotificationReader
from payment.wechat.signing import MerchantSigner
from servicekit.clock import Clock
from servicekit.secrets import parsed, read
from servicekit.transport import PooledTransport

CONNECTIONS = 64
OTHER_API_V3_KEY = "wxpay-other-apiv3-key"


@dataclass(frozen=True, kw_only=True)
class Connection:
    pay: WechatPay
    bills: Bills
    notifications: NotificationReader
    signer: MerchantSigner
    http: httpx.AsyncClient
    settings: PaymentSettings
    api_v3_key: ApiV3Key

    def use(self, secrets: Mapping[str, str]) -> None:
        """Put WeChat's keys and the APIv3 key to use that were replaced. The merchant's own key stays: it goes with its
        serial, a setting. Raises BadSecret, and nothing is changed."""
        key, public_keys = _api_v3_key(secrets), _public_keys(self.settings, secrets)
        self.api_v3_key.replace_by(key)
        self.pay.keys.replace_public(public_keys)

    async def close(self) -> None:
        await self.http.aclose()


def connect(
    settings: PaymentSettings,
    secrets: Mapping[str, str],
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Connection:
    """`secrets` has `wxpay-mch-private-key` (PEM), `wxpay-apiv3-key` and, in public-key mode, `wxpay-public-key` (PEM);
    while one is being replaced also `wxpay-other-apiv3-key`, `wxpay-other-public-key`.

    Raises BadSecret for one that is missing or malformed.
    """
    transport = transport or PooledTransport(max_connections=CONNECTIONS)
    http = httpx.AsyncClient(
        base_url=str(settings.wxpay_base_url),
        timeout=httpx.Timeout(settings.wxpay_timeout_seconds, connect=2.0),
        transport=transport,
        trust_env=False,
    )
    api_v3_key, public_keys = _api_v3_key(secrets), _public_keys(settings, secrets)
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
        settings=settings,
        api_v3_key=api_v3_key,
    )


def _api_v3_key(secrets: Mapping[str, str]) -> ApiV3Key:
    other = read(secrets, OTHER_API_V3_KEY) if secrets.get(OTHER_API_V3_KEY) else ""
    if other:
        parsed(secrets, OTHER_API_V3_KEY, ApiV3Key)  # an error names the one that is wrong
    return parsed(secrets, "wxpay-apiv3-key", lambda key: ApiV3Key(key, other))


def _public_keys(settings: PaymentSettings, secrets: Mapping[str, str]) -> dict[str, RSAPublicKey]:
    """By id, the one to be used by our requests first."""
    found = {}
    if settings.wxpay_public_key_id:
        found[settings.wxpay_public_key_id] = parsed(secrets, "wxpay-public-key", public_key_of_pem)
    if settings.wxpay_other_public_key_id:
        found[settings.wxpay_other_public_key_id] = parsed(secrets, "wxpay-other-public-key", public_key_of_pem)
    return found
