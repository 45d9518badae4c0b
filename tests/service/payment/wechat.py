"""wechatsim as payment's WeChat, with what it cannot do in front of it: connections that break, and any response next.

What is verified, signed and encrypted here is so by the sandbox's code, which shares none with payment: one mistake cannot
cancel itself out.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from payment.wechat.answers import CALLS
from servicekit.clock import Clock, utc_now
from tests.support.merchant_books import MerchantBooks
from tests.support.sandbox import Sandbox
from wechatsim.clock import Clock as SandboxClock
from wechatsim.notify.notifier import envelope
from wechatsim.pay import prepay, refund_views
from wechatsim.signing import crypto, pki, rotation, signatures

MCHID, APPID, OPENID = "1900000109", "wxd678efh567hg6787", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
API_V3_KEY, MERCHANT_SERIAL, SERIAL = "k" * 32, "7" * 40, "PUB_KEY_ID_0100000001"
ONE_FEN_COUPON = 1
SENSITIVE = {"bank_account", "real_name"}
REFUND_FAULTS = {
    "PROCESSING": ["refund-processing"],
    "SUCCESS": ["refund-at-once"],
    "CLOSED": ["refund-at-once", "refund-closed"],
}
"""By the state of a refund in the response to its request."""

Content = dict[str, Any]
Notification = tuple[dict[str, str], bytes]
"""Its headers and its body."""


@dataclass(frozen=True)
class CarriedOut:
    """The next request is carried out, and `then` comes instead of its response."""

    then: httpx.Response | Exception


LOST = CarriedOut(httpx.ReadTimeout("the answer is lost"))


@cache
def _sandbox() -> Sandbox:
    """One for all tests of a process: reading its keys takes longer than a test."""
    made = Sandbox({APPID: "secret"}, mchid=MCHID, magic_amounts=False)
    merchant = made.sim.merchants[MCHID]
    merchant.apiv3_key, merchant.serial = API_V3_KEY, MERCHANT_SERIAL
    merchant.public_key_signer = replace(merchant.public_key_signer, serial=SERIAL)
    return made


@cache
def _next_certificate() -> tuple[str, str]:
    return rotation.make(SandboxClock())


def refusal(status: int, code: str, text: str = "") -> httpx.Response:
    """An unsigned response that WeChat documents for one call or another."""
    assert (status, code) in {(at, known) for call in CALLS for at, known, _ in call.rows}, (
        f"{status} {code}: not WeChat's"
    )
    return httpx.Response(status, json={"code": code, "message": text})


class FakeWechat(MerchantBooks, httpx.AsyncBaseTransport):
    """A merchant of the public-key mode whose buyers pay with a coupon of one fen. Of two in one process only the newer one
    can be used."""

    def __init__(self, clock: Clock = utc_now) -> None:
        sandbox = _sandbox()
        sandbox.reset(clock)
        super().__init__(sandbox.sim, sandbox.sim.merchants[MCHID])
        self._clock, [self._keys] = clock, sandbox.keys
        self.requests: list[httpx.Request] = []
        self.fail_with: list[httpx.Response | Exception | CarriedOut] = []
        """What comes instead of the sandbox's next responses."""
        self.sent_elsewhere: list[Content] = []
        """The accepted requests to send abnormal refunds another way, sensitive fields decrypted."""
        self._shown: dict[str, Content] = {}
        self.merchant.key_mode = "pubkey"
        self.sim.faults.set("pay-coupon", value=ONE_FEN_COUPON)
        self.refunds_end("PROCESSING")
        self.add_user(OPENID)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if not self.fail_with:
            return await self.respond(request)
        failure = self.fail_with.pop(0)
        if isinstance(failure, CarriedOut):
            await self.respond(request)
            failure = failure.then
        if isinstance(failure, Exception):
            raise failure
        return failure

    async def respond(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's response; to a query about a payment that `shows` was called for, a signed one with its changes."""
        path = request.url.path
        number = path.rpartition("/")[2]
        if path.startswith("/v3/pay/") and number in self._shown:
            return self.signed(200, self.transaction(number, **self._shown[number]))
        response = await _sandbox().respond(request)
        if path.endswith("/apply-abnormal-refund") and response.is_success:
            named, content = (
                self.merchant.platform_key_of(request.headers["Wechatpay-Serial"]),
                json.loads(request.content),
            )
            assert named is not None, "the sandbox has just used it"
            opened = {name: crypto.oaep_decrypt(named.key, content[name]) for name in SENSITIVE & content.keys()}
            self.sent_elsewhere.append(content | opened)
        return response

    @property
    def merchant_key(self) -> RSAPrivateKey:
        return pki.load_key(self.key_file("apiclient_key.pem"))

    def key_file(self, name: str) -> str:
        return (self._keys / name).read_text()

    def use_certificates(self) -> str:
        """From here on the certificate signs, not the public key; its serial."""
        self.merchant.key_mode = "cert"
        return str(self.merchant.current().serial)

    def rotate(self, after: float = 0.0) -> str:
        """List another certificate now, which signs `after` so many seconds; its serial."""
        rotation.install(self.sim.store, self.sim.clock, self.merchant, _next_certificate(), after)
        return str(self.merchant.certificates[-1].serial)

    def signature_headers(self, body: bytes, at: float | None = None, serial: str = "") -> dict[str, str]:
        """Signed at `at` (seconds since 1970, default now) by the key of `serial` (default: of the mode)."""
        stamp = self._clock().timestamp() if at is None else at
        return dict(signatures.headers(self.merchant.signer(serial), body, stamp))

    def signed(self, status: int, content: Content) -> httpx.Response:
        body = json.dumps(content).encode()
        headers = self.signature_headers(body) | {"Content-Type": "application/json; charset=utf-8"}
        return httpx.Response(status, content=body, headers=headers)

    def prepaid(self, number: str, fen: int) -> None:
        """A payment of this number that a prepay opened."""
        content = {
            "appid": APPID,
            "mchid": MCHID,
            "description": "民宿订单",
            "out_trade_no": number,
            "notify_url": "https://minsu.example/pay",
            "attach": number.replace("PMT", "HSO"),
            "amount": {"total": fen, "currency": "CNY"},
            "payer": {"openid": OPENID},
        }
        prepay.prepay(self.sim, self.merchant, json.dumps(content).encode())

    def transaction(self, number: str, **changes: Any) -> Content:
        """The payment as WeChat returns it to a query, with these changes."""
        return super().transaction(number) | changes

    def shows(self, number: str, **changes: Any) -> None:
        """Queries return the payment with these changes from here on; without any, as it is again."""
        self._shown.pop(number, None)
        if changes:
            self._shown[number] = changes

    def refunds_end(self, status: str) -> None:
        """So end refunds from here on, in the response to their request; PROCESSING leaves them open."""
        for name in {name for names in REFUND_FAULTS.values() for name in names}:
            self.sim.faults.clear(name)
        for name in REFUND_FAULTS[status]:
            self.sim.faults.set(name)

    def notification(self, number: str, *, serial: str = "", **wrong: str) -> Notification:
        """The sandbox's own about a payment, signed anew; `wrong` replaces headers."""
        body = self.notified(number)
        return self.signature_headers(body, serial=serial) | wrong, body

    def refund_notice(self, number: str, status: str, **changes: Any) -> Notification:
        """End a refund; returns its notification, as it is or with these changes."""
        self.end_refund(number, status)
        refund = self.refund_of(number)
        if not changes:
            body = self.notified(refund["out_trade_no"], number)
            return self.signature_headers(body), body
        content = refund_views.notification(self.order_of(refund["out_trade_no"]), refund)
        return self.callback(content | changes, event=f"REFUND.{status}")

    def callback(
        self, content: Any, *, event: str = "TRANSACTION.SUCCESS", at: float | None = None, **wrong: str
    ) -> Notification:
        """A notification of any content, which is encrypted as it is if it is bytes, and of any type of event."""
        plaintext = content if isinstance(content, bytes) else json.dumps(content).encode()
        known = event if event.startswith("REFUND.") else "TRANSACTION.SUCCESS"
        body = envelope(str(uuid4()), known, self.sim.clock.now(), self.merchant.apiv3_key, plaintext)
        body = body.replace(json.dumps(known).encode(), json.dumps(event).encode(), 1)
        return self.signature_headers(body, at) | wrong, body
