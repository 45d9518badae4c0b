"""WeChat as the app meets it: wechatsim, behind a gate of the kit's own that can delay, break, refuse or hold a message."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from conformance.standins import Request, Response, StandIn

SEND, TOKEN = "/cgi-bin/message/subscribe/send", "/cgi-bin/stable_token"
HELD_AT_MOST = 90.0


@dataclass(frozen=True)
class Fault:
    """What happens to a message to one person. `errcode` or `status`: responded instead of delivering. `delivers`: WeChat
    has the message all the same. `seconds`: before the response. `breaks`: the connection, instead of a response. `held`:
    the response waits for it."""

    errcode: int | None = None
    status: int | None = None
    delivers: bool = False
    seconds: float = 0.0
    breaks: bool = False
    held: threading.Event | None = None


@dataclass
class Wechat:
    """The gate on `port` before wechatsim at `sim`. `templates`: kind of message → template id."""

    port: int
    sim: str
    templates: Mapping[str, str]
    asked: Counter[str] = field(default_factory=Counter)
    """Requests of the app by openid, delivered or not; of access tokens by `token` and `forced token`."""
    _faults: dict[str, list[Fault]] = field(default_factory=dict)
    _lasting: dict[str, Fault] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.gate = StandIn(self.port, self._answer)
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64)
        self._http = httpx.Client(base_url=self.sim, timeout=30, trust_env=False, limits=limits)

    def person(self, openid: str, *, messages: int = 1000) -> None:
        """A user of the mini program who accepts so many messages of each template."""
        self._control("code", {"openid": openid})
        for template in set(self.templates.values()):
            self._control("grant", {"openid": openid, "template_id": template, "count": messages})

    def messages(self, openid: str) -> list[dict[str, Any]]:
        """What reached this person, oldest first."""
        found = self._http.get("/_sim/messages", params={"openid": openid})
        found.raise_for_status()
        messages: list[dict[str, Any]] = found.json()["messages"]
        return messages

    def next(self, openid: str, *faults: Fault) -> None:
        """The next messages to this person meet these, one each."""
        with self._lock:
            self._faults[openid] = [*faults]

    def always(self, openid: str, fault: Fault) -> None:
        """Every message to this person, until `clear`."""
        with self._lock:
            self._lasting[openid] = fault

    def clear(self) -> None:
        with self._lock:
            for fault in (*self._lasting.values(), *(each for some in self._faults.values() for each in some)):
                if fault.held is not None:
                    fault.held.set()
            self._faults.clear()
            self._lasting.clear()
        self.gate.start()

    def _control(self, verb: str, body: Mapping[str, Any]) -> None:
        self._http.post(f"/_sim/{verb}", json=body).raise_for_status()

    def _answer(self, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path != SEND:
            if path == TOKEN:
                self.asked["forced token" if request.json().get("force_refresh") else "token"] += 1
            return self._forward(request)
        openid = str(request.json().get("touser"))
        fault = self._take(openid)
        return self._forward(request) if fault is None else self._faulty(fault, request)

    def _take(self, openid: str) -> Fault | None:
        with self._lock:
            self.asked[openid] += 1
            queue = self._faults.get(openid)
            return queue.pop(0) if queue else self._lasting.get(openid)

    def _faulty(self, fault: Fault, request: Request) -> Response | None:
        response = self._forward(request) if fault.delivers else None
        time.sleep(fault.seconds)
        if fault.held is not None:
            fault.held.wait(HELD_AT_MOST)
        if fault.breaks:
            return None
        if fault.status is not None:
            return Response(fault.status, b"{}")
        if fault.errcode is not None:
            return Response.of({"errcode": fault.errcode, "errmsg": "by the conformance kit"})
        return response

    def _forward(self, request: Request) -> Response:
        sent = {"content-type": request.headers.get("content-type", "application/json")}
        told = self._http.request(request.method, request.path, content=request.body, headers=sent)
        return Response(told.status_code, told.content, told.headers.get("content-type", "application/json"))
