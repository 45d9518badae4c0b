"""A small WeChat: the two endpoints that messages need, with tokens that end and permissions that are used up."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.unit.notification.template_rules import (
    ARRIVAL_FIELDS,
    PAID_FIELDS,
    REFUND_ASKED_FIELDS,
    REFUNDED_FIELDS,
    broken,
)

APPID, SECRET, OPENID = "wx0123456789abcdef", "app-secret-of-tests", "o" + "Buyer" * 5 + "xy"
PAID, ARRIVAL, REFUNDED = "template-paid", "template-arrival", "template-refunded"
REFUND_ASKED = "template-refund-asked"
FIELDS = {PAID: PAID_FIELDS, ARRIVAL: ARRIVAL_FIELDS, REFUNDED: REFUNDED_FIELDS, REFUND_ASKED: REFUND_ASKED_FIELDS}

Fault = Callable[["FakeWechat", httpx.Request], Awaitable[httpx.Response]]


def answer(errcode: int, errmsg: str = "ok", **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"errcode": errcode, "errmsg": errmsg, **more})


@dataclass
class FakeWechat:
    """`sends` holds what was accepted; `faults` what happens instead of, or around, the next requests to send."""

    clock: Callable[[], datetime]
    life: timedelta = timedelta(hours=2)
    quota: dict[tuple[str, str], int] = field(default_factory=lambda: {(OPENID, each): 1 for each in FIELDS})
    sends: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    token_requests: list[bool] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    token_faults: list[Fault] = field(default_factory=list)
    token: str = ""
    ends_at: datetime | None = None
    issued: int = 0

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/stable_token":
            self.token_requests.append(json.loads(request.content)["force_refresh"])
            handler, faults = self.issue, self.token_faults
        elif request.url.path == "/cgi-bin/message/subscribe/send":
            self.asked.append(json.loads(request.content)["template_id"])
            handler, faults = self.send, self.faults
        else:
            return httpx.Response(404)
        return await faults.pop(0)(self, request) if faults else await handler(request)

    async def issue(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if body["grant_type"] != "client_credential" or body["appid"] != APPID:
            return answer(40013, "invalid appid")
        if body["secret"] != SECRET:
            return answer(40125, "invalid appsecret")
        now = self.clock()
        if body["force_refresh"] or self.ends_at is None or self.ends_at - now <= timedelta(minutes=5):
            self.revoke()
            self.ends_at = now + self.life
        seconds = int((self.ends_at - now).total_seconds())
        return httpx.Response(200, json={"access_token": self.token, "expires_in": seconds})

    def revoke(self) -> None:
        """Whoever has the present token holds an old one from now on."""
        self.issued += 1
        self.token = f"token-{self.issued}"

    async def send(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.params["access_token"] != self.token:
            return answer(40001, "invalid credential, access_token is invalid or not latest")
        if body["template_id"] not in FIELDS:
            return answer(40037, "invalid template_id")
        if wrong := broken(body["data"], FIELDS[body["template_id"]]):
            return answer(47003, f"argument invalid! data.{wrong[0]}.value invalid")
        permission = (body["touser"], body["template_id"])
        if self.quota.get(permission, 0) < 1:
            return answer(43101, "user refuse to accept the msg")
        self.quota[permission] -= 1
        self.sends.append(body)
        return answer(0)


def says(errcode: int, errmsg: str = "") -> Fault:
    async def fault(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        return answer(errcode, errmsg)

    return fault


def status(code: int) -> Fault:
    async def fault(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        return httpx.Response(code, text="upstream")

    return fault


def breaks(error: type[httpx.TransportError], *, taken: bool = False) -> Fault:
    """The connection breaks; `taken`: after WeChat had accepted the message."""

    async def fault(wechat: FakeWechat, request: httpx.Request) -> httpx.Response:
        if taken:
            await wechat.send(request)
        raise error("broken by the test")

    return fault
