"""Checks the merchant's configuration with WeChat: keys, clock, certificates and notify URLs, each with a fix.

Safe on the production account: no order is created. It closes one unused number, because only 2xx responses are signed
and a signed response is what must be verified.
"""

import ipaddress
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from pydantic import HttpUrl

from payment.settings import PaymentSettings
from payment.wechat.connection import Connection, connect
from payment.wechat.errors import Meaning, Refused, WechatError
from servicekit.clock import Clock
from servicekit.numbers import business_number
from servicekit.secrets import BadSecret, of_files

MAX_SKEW_SECONDS = 60
SECRETS = (
    "wxpay-mch-private-key",
    "wxpay-apiv3-key",
    "wxpay-public-key",
    "wxpay-other-apiv3-key",
    "wxpay-other-public-key",
)


@dataclass(frozen=True)
class Finding:
    """One line of the report; `fix` says what to do when it is not ok."""

    ok: bool
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"✓ {self.what}" if self.ok else f"✗ {self.what}\n    → {self.fix}"


def secrets_of_files(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Secrets from `PAYMENT_WXPAY_MCH_PRIVATE_KEY_FILE`, `…_APIV3_KEY_FILE`, `…_PUBLIC_KEY_FILE`, where they are set."""
    return of_files("PAYMENT", SECRETS, environment)


async def check(
    settings: PaymentSettings,
    secrets: Mapping[str, str],
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Finding]:
    """Yields the findings as they are made; checks that depend on a failed one are skipped."""
    for name in ("wxpay_notify_url", "wxpay_refund_notify_url"):
        yield check_notify_url(name, getattr(settings, name), sandbox=_is_local(settings.wxpay_base_url.host or ""))
    try:
        connection = connect(settings, secrets, clock, transport=transport)
    except BadSecret as error:
        yield unusable(error)
        return
    yield Finding(True, "the merchant's private key and the APIv3 key have the right form")
    try:
        async for finding in _ask(settings, connection, clock):
            yield finding
    finally:
        await connection.close()


def unusable(error: BadSecret) -> Finding:
    """The finding for a missing or malformed secret."""
    fix = "put it into the secret store, or name its file (*_FILE): the PEM files and the 32-character key as they are"
    return Finding(False, str(error), fix)


def check_notify_url(name: str, url: HttpUrl, *, sandbox: bool) -> Finding:
    """WeChat calls only public https addresses with a path and without a query (通知URL规则)."""
    host, what = url.host or "", f"{name}: {url}"
    local = _is_local(host)
    wrong = [
        *(["it must be https"] if url.scheme != "https" and not (sandbox and local) else []),
        *(["it must be a public host"] if local and not sandbox else []),
        *(["it must have no query"] if url.query else []),
        *(["it must have a path"] if (url.path or "/") == "/" else []),
        *(["it must have at most 255 characters"] if len(str(url)) > 255 else []),
    ]
    return Finding(not wrong, what, f"{'; '.join(wrong)}: set PAYMENT_{name.upper()}")


def _is_local(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".localhost"))


async def _ask(settings: PaymentSettings, connection: Connection, clock: Clock) -> AsyncIterator[Finding]:
    target = "/v3/certificates"
    began = clock()
    headers = {
        "Authorization": connection.signer.authorization("GET", target, b"", int(began.timestamp())),
        "Accept": "application/json",
        "User-Agent": "minsu-payment/check",
    }
    try:
        answer = await connection.http.get(target, headers=headers)
    except httpx.HTTPError as error:
        fix = "check PAYMENT_WXPAY_BASE_URL, DNS, the firewall and the proxy"
        yield Finding(False, f"{settings.wxpay_base_url} does not answer: {type(error).__name__}", fix)
        return
    yield _skew(answer, began)
    if answer.status_code == 401:
        yield _rejected(answer)
        return
    yield Finding(True, "WeChat accepts our signature: merchant, serial and private key belong together")
    if answer.status_code == 200:
        yield await _certificates(connection)
    elif not settings.wxpay_public_key_id:
        fix = "set PAYMENT_WXPAY_PUBLIC_KEY_ID and the secret wxpay-public-key (商户平台 · API安全 · 微信支付公钥)"
        yield Finding(False, f"there is no platform certificate ({answer.status_code}), and no public key is set", fix)
        return
    yield await _both_ways(settings, connection, clock)


def _skew(answer: httpx.Response, began: datetime) -> Finding:
    stamp = answer.headers.get("Wechatpay-Timestamp", "")
    if stamp.isdigit():
        theirs = datetime.fromtimestamp(int(stamp), UTC)
    elif date := answer.headers.get("Date"):
        theirs = parsedate_to_datetime(date)
    else:
        return Finding(True, "WeChat sent no time")
    seconds = (began - theirs).total_seconds()
    fix = "let NTP set the clock: beyond five minutes WeChat refuses every request, and we every callback"
    return Finding(abs(seconds) <= MAX_SKEW_SECONDS, f"our clock differs from WeChat's by {seconds:+.0f} s", fix)


def _rejected(answer: httpx.Response) -> Finding:
    try:
        message = str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    if "序列号" in message:
        fix = "PAYMENT_WXPAY_MCH_SERIAL is not the serial of this merchant's API certificate (openssl x509 -serial)"
    elif "timestamp" in message or "时间" in message:
        fix = "let NTP set the clock"
    else:
        fix = "the private key, PAYMENT_WXPAY_MCH_SERIAL and PAYMENT_WXPAY_MCHID do not belong together"
    return Finding(False, f"WeChat refuses our signature: {message}", fix)


async def _certificates(connection: Connection) -> Finding:
    try:
        serials = await connection.pay.keys.fetch()
    except WechatError as error:
        fix = "the secret wxpay-apiv3-key is not the one set at WeChat (商户平台 · API安全 · APIv3密钥)"
        return Finding(False, f"the platform certificates cannot be opened: {error}", fix)
    return Finding(True, f"the APIv3 key opens the platform certificates: {', '.join(serials)}")


async def _both_ways(settings: PaymentSettings, connection: Connection, clock: Clock) -> Finding:
    number = business_number("CHK", clock())
    try:
        await connection.pay.close(number)
    except Refused as error:
        if error.meaning is Meaning.ABSENT:
            return Finding(
                True, "WeChat answers, but signs no answer without an order: its key is seen with the first one"
            )
        fix = "PAYMENT_WXPAY_MCHID is not this merchant's, or JSAPI payment is not enabled (产品中心)"
        return Finding(False, f"WeChat refuses to close {number}: {error}", fix)
    except WechatError as error:
        held = settings.wxpay_public_key_id or "the platform certificates"
        fix = "PAYMENT_WXPAY_PUBLIC_KEY_ID or the secret wxpay-public-key is not WeChat's for this merchant"
        return Finding(False, f"WeChat's signature does not verify with {held}: {error}", fix)
    return Finding(True, "WeChat's answers are signed by a key that we hold")
