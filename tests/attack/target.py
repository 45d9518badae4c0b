"""The system under attack: who attacks it, how a request goes out exactly as written, and whether anything changed."""

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from tests.attack.report import ENDED
from tests.support.system import System
from tests.support.waiting import eventually

HOST, ORDER, PAYMENT, USER = "/travel/v1/host", "/order/v1", "/payment/v1/thirdPayment", "/usercenter/v1/user"
LOGOUT = f"{USER}/logout"
PASSWORD = "a-long-Password-4711"
WAIT_USE, MESSAGES_OF_A_PURCHASE = 1, 2
TABLES: Mapping[str, tuple[str, ...]] = {
    "usercenter": ('"user"', "user_auth"),
    "travel": ("homestay", "homestay_comment", "homestay_date", "homestay_photo", "foreign_calendar", "operator_act"),
    "order": ("homestay_order", "operator_act"),
    "payment": ("third_payment", "refund", "operator_act"),
    "notification": ("notification_task", "operator_act"),
}
"""What an attempt that is refused must leave as it is. Rows that belong to the running system's own work (outboxes,
transitions) are left out: they come and go meanwhile."""
OWN_WORK = ("due_at", "leased_until", "tries", "updated_at", "asked_at", "queried_at")
"""Columns in which a row tells of the system's own work, which goes on meanwhile."""


@dataclass
class Target:
    """`system` is attacked through its front door, its services' ports and its sidecars; its databases are only read."""

    system: System
    _people: dict[str, dict[str, str]] = field(default_factory=dict)

    def bearer(self, who: str, path: str = "") -> dict[str, str]:
        """`anonymous`, `buyer`, `merchant`, `operator`: the seeds' people; `stranger` a buyer, `rival` a merchant with
        nothing for sale, both of the attack's own. For a `path` that ends sessions: one of its own."""
        if who == "anonymous":
            return {}
        if path == LOGOUT:
            return self._signed_in(self._leaver)
        if who not in ("stranger", "rival"):
            return self.system.bearer(who.upper())
        if who not in self._people:
            self._people[who] = self._signed_in(self._account(*(["merchant"] if who == "rival" else [])))
        return self._people[who]

    @cached_property
    def _leaver(self) -> dict[str, str]:
        return self._account()

    def _account(self, *roles: str) -> dict[str, str]:
        """Roles are given in usercenter's database: hosts that were approved have no other token."""
        account = {"mobile": f"137{secrets.randbelow(10**8):08d}", "password": PASSWORD}
        self.system.data(f"{USER}/register", account)
        if roles:
            self.system.rows(
                "usercenter",
                """update "user" set roles = %s, mobile_proven_at = now(), mobile_proven_by = 'code' where mobile = %s""",
                ["buyer", *roles],
                account["mobile"],
            )
        return account

    def _signed_in(self, account: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.system.data(f'{USER}/login', account)['accessToken']}"}

    def post(self, path: str, body: Any, who: str, **headers: str) -> int:
        return self.system.gateway.post(path, json=body, headers=self.bearer(who, path) | headers).status_code

    @cached_property
    def unpaid(self) -> tuple[str, str]:
        """An order of the victim that waits for its payment, and the payment's number."""
        order_sn = self.system.book(days=3)
        return order_sn, str(self.system.prepay(order_sn)["paymentSn"])

    @cached_property
    def paid(self) -> tuple[str, str, str]:
        """A paid order of the victim: its number, its payment's number, its check-in code."""
        order_sn = self.system.book(days=2)
        payment_sn = str(self.system.prepay(order_sn)["paymentSn"])
        self.system.tap_pay(payment_sn)
        eventually(lambda: self.system.order(order_sn)["tradeState"] == WAIT_USE, what="the victim's order is paid")
        eventually(lambda: self._told(order_sn), what="the victim has both messages")
        return order_sn, payment_sn, str(self.system.order(order_sn)["tradeCode"])

    def _told(self, order_sn: str) -> bool:
        tasks = self.system.rows("notification", "select state from notification_task where order_sn = %s", order_sn)
        return len(tasks) == MESSAGES_OF_A_PURCHASE and all(task["state"] != "pending" for task in tasks)

    @cached_property
    def session(self) -> int:
        """Of the victim."""
        [found] = [each for each in self.system.data(f"{USER}/sessionList", {}, "BUYER")["list"] if each["isCurrent"]]
        return int(found["id"])

    @cached_property
    def homestay(self) -> int:
        """Of the seeds' merchant: the attack's rival has none of it."""
        return self.system.homestay

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """A digest of every table of `TABLES`: a row that came, went or changed is seen, but for `OWN_WORK`."""
        return {
            f"{service}.{table}": self.system.rows(
                service,
                f"select count(*), sum(hashtextextended((to_jsonb(t) - %s::text[])::text, 0)) as digest from {table} t",  # noqa: S608 - names of ours
                list(OWN_WORK),
            )
            for service, tables in TABLES.items()
            for table in tables
        }

    def raw(self, sent: bytes, url: str | None = None, within: float = 10) -> int:
        """The status that these very bytes get: no client cleans the path or joins headers. ENDED without one."""
        address = urlsplit(url or self.system.environment["GATEWAY_URL"])
        with socket.create_connection((address.hostname or "127.0.0.1", address.port or 80), within) as connection:
            try:
                connection.sendall(sent)
                return _status(connection)
            except (ConnectionError, TimeoutError):
                return ENDED


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> bytes:
    """A request as bytes, `path` as it is written."""
    lines = [f"{method} {path} HTTP/1.1", "Host: shop", "Connection: close", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _status(connection: socket.socket) -> int:
    came = b""
    while b"\r\n" not in came:
        part = connection.recv(4096)
        if not part:
            return ENDED
        came += part
    return int(came.split(b" ", 2)[1])
