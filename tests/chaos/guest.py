"""One guest, from login to whatever comes of the booking. Each has an openid of its own: WeChat then admits one message
of each template, and what arrived on this phone is about this order."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.chaos.client import Client, GaveUp, Refused
from tests.chaos.journal import Journal
from tests.support.forgery import callback, transaction
from tests.support.rooms import MODERATE, ROOMY, STRICT

ORDER, PAYMENT = "/order/v1/homestayOrder", "/payment/v1/thirdPayment"
WAIT_PAY, WAIT_USE, REFUNDED = 0, 1, 3
LEAVES_IN_TIME, DAYS_AHEAD = ("refunds", "refunds_a_part", "asks_for_more"), (7, 3)
"""Who books some days ahead: the policy lets that guest leave, whatever hour it is now. Seven days ahead a strict one gives
half and the others all, three days ahead a moderate one half and a strict one nothing."""
PARTS = ("refunds_a_part", "asks_for_more")
ONE_ROOM, NIGHT_FULL = (1, 2, 5), 103034
"""All guests want one of these; one who comes too late goes to the homestay that has room."""
SPOILED = ("signature", "body", "serial", "timestamp", "amount")


@dataclass
class Guest:
    """`expire` makes an order's time to pay run out now, `begin` lets noon of its first day pass; `plan` names the method
    that is this guest's life."""

    number: int
    plan: str
    client: Client
    journal: Journal
    environment: Mapping[str, str]
    expire: Callable[[str], Awaitable[None]] | None
    begin: Callable[[str], Awaitable[None]] | None
    rng: random.Random
    patience: float = 90
    openid: str = field(init=False)
    token: str = ""
    order_sn: str = ""
    payment_sn: str = ""

    def __post_init__(self) -> None:
        self.openid = "o" + "".join(self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", k=27))

    async def live(self) -> None:
        try:
            await self._sign_in()
            await self._book()
            await getattr(self, self.plan)()
        except (GaveUp, Refused) as end:
            self._note("guest-gave-up", plan=self.plan, why=str(end)[:200])
        except Exception as error:  # noqa: BLE001 - an answer that no guest expects is a finding, not an end of the run
            self._note("guest-astonished", plan=self.plan, why=f"{type(error).__name__}: {error}"[:300])

    async def pays(self) -> None:
        await self._prepay()
        await self._tap()
        await self._until_paid()

    async def pays_twice_at_once(self) -> None:
        """A double click: both get the same payment."""
        first, second = await asyncio.gather(self._prepay(), self._prepay())
        if first != second:
            self._note("two-payments", first=first, second=second)
        await self._tap()
        await self._until_paid()

    async def checks_in(self) -> None:
        await self.pays()
        code = (await self._order())["tradeCode"]
        if self.rng.random() < 0.7:
            await asyncio.sleep(self.rng.uniform(0.5, 4))
        token = await self.client.merchant(self.rng)
        used = await self._ask("/order/v1/merchant/verifyTradeCode", {"tradeCode": code}, token=token)
        self._note("checked-in", state=used["tradeState"])

    async def refunds(self) -> None:
        await self.pays()
        await asyncio.sleep(self.rng.uniform(0, 3))
        await self._ask_refund("agreed")

    async def refunds_a_part(self) -> None:
        """What was told before is what goes back; of the rest the host gives some more, with a click that is repeated."""
        await self.pays()
        told = await self._ask(f"{ORDER}/quoteCancel", {"sn": self.order_sn})
        await self._ask_refund("agreed")
        order = await self._until(REFUNDED)
        if order["refundedFen"] != told["refundFen"]:
            raise RuntimeError(f"{order['refundedFen']} fen came back, {told['refundFen']} were told of")
        self._note("part-refunded", fen=order["refundedFen"], kept=order["keptFen"])
        if order["keptFen"]:
            await self.client.sim(
                "POST", "/_sim/grant", {"openid": self.openid, "count": 1}
            )  # the guest asks to be told
            token = await self.client.merchant(self.rng)
            more = {"sn": self.order_sn, "refundFen": self.rng.randint(1, order["keptFen"]), "note": ""}
            key = f"more-{self.openid}"
            for _ in range(2):
                await self._ask("/order/v1/merchant/refundMore", more, token=token, key=key)
            self._note("gave-more", fen=more["refundFen"])

    async def asks_for_more(self) -> None:
        """All of it, where the policy gives less: the merchant gives something between the two, or does not answer."""
        await self.pays()
        await self.client.merchant_accepts_messages()
        told = await self._ask(f"{ORDER}/quoteCancel", {"sn": self.order_sn})
        await self._ask_refund("asked" if told["keptFen"] else "agreed", fen=told["totalFen"])
        if told["keptFen"] and self.rng.random() < 0.7:
            fen = self.rng.randint(max(1, told["refundFen"]), told["totalFen"])
            token = await self.client.merchant(self.rng)
            decision = {"sn": self.order_sn, "agree": True, "note": "", "refundFen": fen}
            decided = await self._ask("/order/v1/merchant/refundDecision", decision, token=token)
            self._note("refund-decided", state=decided["refundState"])

    async def refund_decided(self) -> None:
        """From noon of the first day the merchant is asked, who says yes or no."""
        await self.pays()
        await self.begin(self.order_sn)
        await self.client.merchant_accepts_messages()
        await self._ask_refund("asked")
        await asyncio.sleep(self.rng.uniform(0, 3))
        token = await self.client.merchant(self.rng)
        decision = {"sn": self.order_sn, "agree": self.rng.random() < 0.5, "note": "当日不可退"}
        decided = await self._ask("/order/v1/merchant/refundDecision", decision, token=token)
        self._note("refund-decided", state=decided["refundState"])

    async def cancels_while_paying(self) -> None:
        await self._prepay()
        await asyncio.gather(self._cancel(self.rng.uniform(0, 0.2)), self._tap(self.rng.uniform(0, 0.2)))

    async def cancels(self) -> None:
        if self.rng.random() < 0.6:
            await self._prepay()
        await self._cancel()
        await self._tap()

    async def pays_too_late(self) -> None:
        """The time to pay runs out while the guest is at the cashier."""
        await self._prepay()
        await asyncio.sleep(self.rng.uniform(0, 3))
        await self.expire(self.order_sn)
        await self._tap(self.rng.uniform(0, 6))

    async def abandons(self) -> None:
        if self.rng.random() < 0.7:
            await self._prepay()
        if self.rng.random() < 0.5:
            await self.expire(self.order_sn)

    async def is_attacked(self) -> None:
        """A forged callback says that it was paid; or one that WeChat signed has a wrong amount."""
        await self._prepay()
        for spoil in self.rng.sample(SPOILED, 2):
            await self._forge(spoil)
        if self.rng.random() < 0.7:
            await self._tap()
            await self._until_paid()

    async def is_told_again(self) -> None:
        """WeChat repeats a notification that was taken long ago."""
        await self.pays()
        answer = await self.client.sim("GET", f"/_sim/notifications?out_trade_no={self.payment_sn}")
        for each in answer.json()["notifications"]:
            for _ in range(self.rng.randint(1, 3)):
                await self.client.sim("POST", f"/_sim/notifications/{each['id']}/resend", {})
                self._note("callback-repeated")

    async def _sign_in(self) -> None:
        mobile, deadline = f"139{self.number:08d}", time.monotonic() + self.patience
        while not self.token:
            told = (await self.client.sim("POST", "/_sim/code", {"openid": self.openid, "mobile": mobile})).json()
            body = {name: told[name] for name in ("code", "iv", "encryptedData")}
            try:
                self.token = (await self._ask("/usercenter/v1/user/wxMiniAuth", body, patience=20))["accessToken"]
            except (Refused, GaveUp) as error:  # a code serves once: after a lost answer the phone gets another
                self._note("login-again", why=str(error)[:100])
                await asyncio.sleep(0.5)
                if time.monotonic() > deadline:
                    raise GaveUp("cannot sign in") from error

    async def _book(self) -> None:
        start = datetime.now(UTC) + timedelta(days=self.rng.choice(DAYS_AHEAD) if self.plan in LEAVES_IN_TIME else 0)
        body = {
            "homestayId": self.rng.choice((MODERATE, STRICT) if self.plan in PARTS else ONE_ROOM),
            "isFood": self.rng.random() < 0.3,
            "liveStartTime": int(start.timestamp()),
            "liveEndTime": int((start + timedelta(days=self.rng.randint(1, 4))).timestamp()),
            "livePeopleNum": self.rng.randint(1, 2),
            "remark": "",
        }
        key = f"guest-{self.number}-{self.openid}"
        try:
            created = await self._ask(f"{ORDER}/createHomestayOrder", body, key=key)
        except Refused as refusal:
            if refusal.code != NIGHT_FULL:
                raise
            self._note("night-full", homestay=body["homestayId"])
            created = await self._ask(f"{ORDER}/createHomestayOrder", body | {"homestayId": ROOMY}, key=f"{key}-2")
        self.order_sn = created["orderSn"]
        self._note("booked", order_sn=self.order_sn, plan=self.plan, openid=self.openid)

    async def _prepay(self) -> str:
        body = {"orderSn": self.order_sn, "serviceType": "homestayOrder"}
        answer = await self._ask(f"{PAYMENT}/thirdPaymentWxPay", body)
        self.payment_sn = answer["paymentSn"]
        self._note("prepaid", payment_sn=self.payment_sn)
        return self.payment_sn

    async def _tap(self, after: float = 0) -> None:
        """WeChat may refuse: closed, expired, paid. Its own books say what came of it."""
        await asyncio.sleep(after)
        if self.payment_sn:
            answer = await self.client.sim("POST", "/_sim/pay", {"out_trade_no": self.payment_sn})
            self._note("tapped", payment_sn=self.payment_sn, taken=answer.is_success)

    async def _cancel(self, after: float = 0) -> None:
        await asyncio.sleep(after)
        try:
            await self._ask(f"{ORDER}/cancelHomestayOrder", {"sn": self.order_sn})
        except Refused as refusal:
            self._note("cancel-refused", why=refusal.code)
        else:
            self._note("cancelled")

    async def _ask_refund(self, expected: str, *, fen: int | None = None) -> None:
        """Asked again after a lost answer, an agreed refund may have gone further: only who decided is fixed."""
        body = {"sn": self.order_sn, "reason": "行程有变"} | ({"refundFen": fen} if fen else {})
        told = await self._ask(f"{ORDER}/refundHomestayOrder", body)
        self._note("refund-asked", state=told["refundState"])
        if (told["refundState"] == "asked") != (expected == "asked"):
            raise RuntimeError(f"the refund is {told['refundState']}, not {expected}")

    async def _until_paid(self) -> None:
        began = time.monotonic()
        while (state := (await self._order())["tradeState"]) == WAIT_PAY:
            if time.monotonic() - began > self.patience:
                raise GaveUp("paid, and the order does not hear of it")
            await asyncio.sleep(0.3)
        self._note("seen-paid", state=state, took=round(time.monotonic() - began, 3))
        if state != WAIT_USE:
            raise GaveUp(f"the order went to {state}")

    async def _until(self, state: int) -> dict[str, Any]:
        """The order, once it is at `state`."""
        began = time.monotonic()
        while (order := await self._order())["tradeState"] != state:
            if time.monotonic() - began > self.patience:
                raise GaveUp(f"the order is at {order['tradeState']}")
            await asyncio.sleep(0.5)
        return order

    async def _order(self) -> dict[str, Any]:
        return await self._ask(f"{ORDER}/userHomestayOrderDetail", {"sn": self.order_sn})

    async def _forge(self, spoil: str) -> None:
        total = 1 if spoil == "amount" else 19900
        headers, body = callback(self.environment, transaction(self.environment, self.payment_sn, total))
        if spoil == "signature":
            headers["Wechatpay-Signature"] = headers["Wechatpay-Signature"][:-8] + "AAAAAA=="
        elif spoil == "body":
            body = body.replace(b"encrypt-resource", b"encrypt-resourcf")
        elif spoil == "serial":
            headers["Wechatpay-Serial"] = "0" * 40
        elif spoil == "timestamp":
            headers["Wechatpay-Timestamp"] = str(int(headers["Wechatpay-Timestamp"]) - 301)
        try:
            answer = await self.client.gateway.post(
                f"{PAYMENT}/thirdPaymentWxPayCallback", content=body, headers=headers
            )
        except httpx.HTTPError:
            return
        self._note("forged", spoil=spoil, status=answer.status_code)

    async def _ask(
        self, path: str, body: Any, *, token: str = "", key: str = "", patience: float | None = None
    ) -> dict[str, Any]:
        return await self.client.ask(
            path, body, token or self.token, key=key, patience=patience or self.patience, rng=self.rng
        )

    def _note(self, what: str, **more: Any) -> None:
        self.journal.write(what, guest=self.number, **({"order_sn": self.order_sn} | more))
