"""wechatsim, with what it cannot do in front of it: connections that break, and any errcode for the next request."""

import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from notification.wechat.connection import MaybeTaken, NotTaken
from tests.support.sandbox import Sandbox
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


class Quota(MutableMapping[tuple[str, str], int]):
    """The sandbox's quota by (openid, template id); an openid with a quota is a user of the mini program."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._store = sandbox.sim.store
        self.update({(OPENID, template_id): 1 for template_id in FIELDS})

    def __setitem__(self, permission: tuple[str, str], count: int) -> None:
        add_user = "INSERT OR IGNORE INTO user (appid, openid, mobile, nickname) VALUES (?, ?, '', '')"
        self._store.run(add_user, APPID, permission[0])
        self._store.run(
            "INSERT OR REPLACE INTO quota (openid, template_id, remaining) VALUES (?, ?, ?)", *permission, count
        )

    def __getitem__(self, permission: tuple[str, str]) -> int:
        row = self._store.one("SELECT remaining FROM quota WHERE openid = ? AND template_id = ?", *permission)
        if row is None:
            raise KeyError(permission)
        return int(row["remaining"])

    def __delitem__(self, permission: tuple[str, str]) -> None:
        if not self._store.run("DELETE FROM quota WHERE openid = ? AND template_id = ?", *permission):
            raise KeyError(permission)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter([(row["openid"], row["template_id"]) for row in self._store.all("SELECT * FROM quota")])

    def __len__(self) -> int:
        return len(list(iter(self)))


@dataclass
class FakeWechat:
    """`sends` holds what was accepted; `faults` what happens instead of, or around, the next requests to send."""

    clock: Callable[[], datetime]
    sends: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    token_requests: list[bool] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    token_faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox({APPID: SECRET}, self.clock)
        self.sandbox.sim.apps[APPID].templates = {
            template_id: {"title": template_id, "fields": {name: name.rstrip("0123456789") for name in fields}}
            for template_id, fields in FIELDS.items()
        }
        self.quota = Quota(self.sandbox)

    @property
    def tokens(self) -> int:
        """How many different tokens were issued."""
        row = self.sandbox.sim.store.one("SELECT COUNT(*) AS n FROM access_token")
        return int(row["n"])

    async def post(self, path: str, body: bytes, access_token: str | None) -> tuple[int, bytes]:
        """notification's connection to it."""
        url = httpx.URL(f"http://wechat.invalid{path}", params={"access_token": access_token} if access_token else None)
        try:
            response = await self.handle(httpx.Request("POST", url, content=body))
        except httpx.ConnectError as error:
            raise NotTaken(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise MaybeTaken(type(error).__name__) from None
        return response.status_code, response.content

    async def close(self) -> None:
        """It outlives the replicas that are connected to it."""

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/stable_token":
            self.token_requests.append(json.loads(request.content)["force_refresh"])
            handler, faults = self.sandbox.respond, self.token_faults
        elif request.url.path == "/cgi-bin/message/subscribe/send":
            self.asked.append(json.loads(request.content)["template_id"])
            handler, faults = self.send, self.faults
        else:
            return httpx.Response(404)
        return await faults.pop(0)(self, request) if faults else await handler(request)

    def issue(self, life: timedelta) -> None:
        """Issue a token as for another process; WeChat repeats it until five minutes before its end."""
        now = self.clock().timestamp()
        row = {"token": f"issued-{now}", "appid": APPID, "issued_at": now, "expires_at": now + life.total_seconds()}
        self.sandbox.sim.store.insert("access_token", **row, forced=0)

    def revoke(self) -> None:
        """Invalidate the current token."""
        self.sandbox.sim.store.run("UPDATE access_token SET dead = 1")

    async def send(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        # Stricter than the sandbox: fields that the template lacks are refused, and times have one form only.
        fields = FIELDS.get(body["template_id"])
        if fields is not None and (wrong := broken(body["data"], fields)):
            return answer(47003, f"argument invalid! data.{wrong[0]}.value invalid")
        content = (await self.sandbox.respond(request)).json()
        if content["errcode"] == 0:
            self.sends.append(body)
        # The rid is random, and tests compare whole reasons.
        return answer(content["errcode"], content["errmsg"].partition(" rid: ")[0])


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
