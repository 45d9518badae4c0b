"""Client of WeChat Pay: signs requests, verifies the signatures of responses. Every call is safe to retry with the same
number. A timeout is Ambiguous, never a refusal: the caller queries or retries, and never uses a new number.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import stamina
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from prometheus_client import Histogram
from pydantic import BaseModel, ConfigDict, ValidationError

from payment.wechat import answers, requests
from payment.wechat.answers import Call
from payment.wechat.crypto import ApiV3Key, CannotDecrypt, seal
from payment.wechat.errors import Ambiguous, Refused, WechatError
from payment.wechat.keys import PlatformKeys, public_key_of_certificate
from payment.wechat.requests import BankCard, Reroute
from payment.wechat.signing import WINDOW_SECONDS, MerchantSigner, is_signed, message
from payment.wechat.verdicts import NotJson, RefundContent, RefundVerdict, Transaction, Verdict, parsed
from servicekit.clock import Clock
from servicekit.storable import shown
from servicekit.transport import PooledTransport

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V")
DURATION = Histogram(
    "payment_wechat_call_seconds",
    "Calls to WeChat Pay, retries included, by outcome; unknown: it may have happened",
    ["call", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
for _call, _outcome in itertools.product(set(answers.CALLS) - {answers.BILL_FILE}, ("success", "refused", "unknown")):
    DURATION.labels(_call.path, _outcome)  # from 0 on: a rate sees the first one
USER_AGENT = "minsu-payment/1.0"
ATTEMPTS = 3
WHOLE_CALL_SECONDS = 9.0


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Prepaid(_Answer):
    prepay_id: str


class _Sealed(_Answer):
    nonce: str
    associated_data: str = ""
    ciphertext: str


class _Certificate(_Answer):
    serial_no: str
    effective_time: datetime
    encrypt_certificate: _Sealed


class _Certificates(_Answer):
    data: list[_Certificate]


class BillLink(_Answer):
    """The download URL of a bill, valid for five minutes, and the hash of the unzipped file."""

    hash_type: str
    hash_value: str
    download_url: str


class WechatPay:
    """One client for the lifetime of the service. `http` has WeChat's base URL and timeouts, and streams responses; with
    `pool`, its transport, all but downloads go past it: httpx's client costs more than the rest of the call."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        signer: MerchantSigner,
        api_v3_key: ApiV3Key,
        public_keys: dict[str, RSAPublicKey],
        clock: Clock,
        *,
        pool: PooledTransport | None = None,
    ) -> None:
        self._pool, self._base_url = pool, str(http.base_url).rstrip("/")
        self._http, self._signer, self._api_v3_key, self._clock = http, signer, api_v3_key, clock
        self._public_key_id = next(iter(public_keys), "")
        self.keys = PlatformKeys(public_keys, self._certificates)

    async def prepay(self, request: str) -> str:
        """Send a stored `requests.jsapi`; returns the prepay_id, valid for two hours."""
        body = await self._call(answers.PREPAY, "/v3/pay/transactions/jsapi", request.encode())
        return _parsed(_Prepaid, body).prepay_id

    async def query(self, out_trade_no: str) -> Verdict:
        """WeChat's current verdict on a payment (商户订单号查询订单). Raises Refused with 404 when it was never created."""
        target = f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={self._signer.mchid}"
        verdict = _parsed(Transaction, await self._call(answers.QUERY, target)).verdict("query")
        return _matching(out_trade_no, verdict.out_trade_no, verdict)

    async def close(self, out_trade_no: str) -> None:
        """Close at WeChat (关闭订单): afterwards it cannot be paid. Raises Refused as PAID when it is paid, as PAYING
        while the buyer enters the password, as CLOSED and ABSENT when there is nothing to close."""
        body = json.dumps({"mchid": self._signer.mchid}).encode()
        await self._call(answers.CLOSE, f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close", body)

    async def refund(self, request: str) -> RefundVerdict:
        """Submit a stored `requests.refund` (申请退款). Sent once, without retries: query before a retry."""
        body = await self._call(answers.REFUND, "/v3/refund/domestic/refunds", request.encode(), attempts=1)
        verdict = _parsed(RefundContent, body).verdict("request")
        return _matching(json.loads(request)["out_refund_no"], verdict.out_refund_no, verdict)

    async def query_refund(self, out_refund_no: str) -> RefundVerdict:
        """WeChat's current verdict on a refund (查询单笔退款). Raises Refused as ABSENT when it was never accepted."""
        target = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        verdict = _parsed(RefundContent, await self._call(answers.QUERY_REFUND, target)).verdict("query")
        return _matching(out_refund_no, verdict.out_refund_no, verdict)

    async def reroute_request(self, out_refund_no: str, card: BankCard | None) -> Reroute:
        """What `apply_abnormal_refund` sends, with the card encrypted for WeChat."""
        serial, key = await self.keys.sealing()
        return Reroute(requests.abnormal_refund(out_refund_no, card, partial(seal, key)), serial)

    async def apply_abnormal_refund(self, refund_id: str, out_refund_no: str, reroute: Reroute) -> RefundVerdict:
        """Reroute an abnormal refund (发起异常退款), sent once. Raises Refused as FINAL when it is not abnormal."""
        target = f"/v3/refund/domestic/refunds/{quote(refund_id, safe='')}/apply-abnormal-refund"
        body, serial = reroute.body.encode(), reroute.serial
        answer = await self._call(answers.ABNORMAL_REFUND, target, body, attempts=1, serial=serial)
        verdict = _parsed(RefundContent, answer).verdict("request")
        return _matching(out_refund_no, verdict.out_refund_no, verdict)

    async def bill_link(self, target: str) -> BillLink:
        """Request a day's bill (申请交易账单 / 申请资金账单). Raises Refused while there is none."""
        call = answers.FUND_BILL if target.startswith("/v3/bill/fundflowbill") else answers.TRADE_BILL
        return _parsed(BillLink, await self._call(call, target))

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """Streams the bytes of a bill. They are unsigned and verified by the link's hash. Only WeChat's own host is
        contacted, whatever the link says."""
        link, base = httpx.URL(url), self._http.base_url
        if (link.scheme, link.host, link.port) != (base.scheme, base.host, base.port):
            raise Ambiguous(f"the bill is on another host: {link.host}")
        target = link.raw_path.decode()
        headers = self._headers("GET", target, b"") | {"Accept-Encoding": "identity"}
        try:
            async with self._http.stream("GET", target, headers=headers) as response:
                if response.status_code != answers.BILL_FILE.success:
                    await response.aread()
                    raise _error_of(answers.BILL_FILE, response)
                async for chunk in response.aiter_raw(65536):
                    yield chunk
        except httpx.HTTPError as error:
            raise Ambiguous(type(error).__name__) from error

    def pay_parameters(self, appid: str, prepay_id: str) -> dict[str, str]:
        return self._signer.jsapi_parameters(appid, prepay_id, int(self._clock().timestamp()))

    async def _certificates(self) -> dict[str, RSAPublicKey]:
        """All platform certificates that are in force, by serial, the newest last (下载平台证书).

        The response is signed by one of the keys in it; it is trusted because AES-GCM under our APIv3 key authenticates
        them, and then checked against them as well.
        """
        with _measured(answers.CERTIFICATES):
            response = await self._send(answers.CERTIFICATES, "/v3/certificates", b"")
        keys: dict[str, RSAPublicKey] = {}
        try:
            for each in sorted(_parsed(_Certificates, response.content).data, key=lambda each: each.effective_time):
                sealed = each.encrypt_certificate
                pem = self._api_v3_key.decrypt(
                    nonce=sealed.nonce, ciphertext=sealed.ciphertext, associated_data=sealed.associated_data
                )
                keys[each.serial_no] = public_key_of_certificate(pem)
        except (CannotDecrypt, ValueError) as error:
            raise Ambiguous(f"certificates: {type(error).__name__}") from error
        signed_with = keys.get(response.headers.get("Wechatpay-Serial", ""))
        if signed_with is not None and not self._is_authentic(signed_with, response):
            raise Ambiguous("certificates: the signature does not verify")
        return keys

    async def _call(
        self, call: Call, target: str, body: bytes = b"", *, attempts: int = ATTEMPTS, serial: str = ""
    ) -> bytes:
        """The verified body of the call's success. Ambiguous outcomes are tried again, at most `attempts` times and for
        `WHOLE_CALL_SECONDS` in all: the caller that waits for us has a bound of its own."""
        with _measured(call):
            try:
                async with asyncio.timeout(WHOLE_CALL_SECONDS):
                    async for attempt in stamina.retry_context(on=Ambiguous, attempts=attempts, wait_initial=0.2):
                        with attempt:
                            return await self._verified(call, target, body, serial)
            except TimeoutError as error:
                raise Ambiguous("no response in time") from error
        raise AssertionError("unreachable: the context either returns or raises")

    async def _verified(self, call: Call, target: str, body: bytes, serial: str) -> bytes:
        response = await self._send(call, target, body, serial)
        key = await self.keys.find(response.headers.get("Wechatpay-Serial", ""))
        if key is None or not self._is_authentic(key, response):
            raise Ambiguous("the answer's signature does not verify")
        return response.content

    async def _send(self, call: Call, target: str, body: bytes, serial: str = "") -> httpx.Response:
        headers = self._headers(call.method, target, body, serial)
        try:
            response = await self._exchange(call.method, target, body or None, headers)
        except httpx.HTTPError as error:
            raise Ambiguous(type(error).__name__) from error
        if response.status_code == call.success:
            return response
        raise _error_of(call, response)

    async def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> httpx.Response:
        if self._pool is None:
            return await self._http.request(method, target, content=body, headers=headers)
        url, limits = self._base_url + target, self._http.timeout
        return await self._pool.exchange(method, url, body=body, headers=headers, limits=limits)

    def _headers(self, method: str, target: str, body: bytes, serial: str = "") -> dict[str, str]:
        """`serial` names the key that encrypted parts of the body; default: the key that responses should be signed
        with."""
        timestamp = int(self._clock().timestamp())
        headers = {
            "Authorization": self._signer.authorization(method, target, body, timestamp),
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        if named := serial or self._public_key_id:
            headers["Wechatpay-Serial"] = named
        if body:
            headers["Content-Type"] = "application/json"
        return headers

    def _is_authentic(self, key: RSAPublicKey, response: httpx.Response) -> bool:
        timestamp = response.headers.get("Wechatpay-Timestamp", "")
        once = response.headers.get("Wechatpay-Nonce", "")
        if not timestamp.isdecimal() or abs(self._clock().timestamp() - int(timestamp)) > WINDOW_SECONDS:
            return False
        return is_signed(
            key, response.headers.get("Wechatpay-Signature", ""), message(timestamp, once, response.content)
        )


@contextlib.contextmanager
def _measured(call: Call) -> Iterator[None]:
    began, outcome = time.perf_counter(), "unknown"
    try:
        yield
        outcome = "success"
    except Refused:
        outcome = "refused"
        raise
    finally:
        DURATION.labels(call.path, outcome).observe(time.perf_counter() - began)


def _matching(requested: str, received: str, verdict: V) -> V:
    """Raises Ambiguous for a response about another number than the requested one."""
    if received != requested:
        raise Ambiguous(f"requested {requested}, response is about {received[:64]}")
    return verdict


def _error_of(call: Call, response: httpx.Response) -> WechatError:
    try:
        answer: Any = response.json()
        code, text = shown(str(answer.get("code", ""))), shown(str(answer.get("message", "")))
    except (ValueError, AttributeError, RecursionError):
        code, text = "", ""
    return call.error(response.status_code, code, text)


def _parsed(model: type[M], body: bytes) -> M:
    try:
        return parsed(model, body)
    except ValidationError as error:
        raise Ambiguous(f"the response cannot be parsed: {error.error_count()} errors") from error
    except NotJson as error:
        raise Ambiguous("the response is no JSON") from error
