"""The running system as tests use it: as a buyer, as a merchant, as WeChat, and with a look into its books."""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from minsu import ops_options, settings
from minsu.api import Api
from tests.support.rooms import ROOMY

FRESH_SECONDS = 540.0
"""Below the ten minutes for which acts on money take a proof of identity."""


@dataclass
class System:
    """`environment` is stack.env, `homestay` where it books. Every call that must succeed asserts that it did."""

    environment: Mapping[str, str]
    homestay: int = ROOMY

    def __post_init__(self) -> None:
        self.gateway = httpx.Client(base_url=self.environment["GATEWAY_URL"], timeout=20)
        self.wechat = httpx.Client(base_url=self.environment["WXPAY_BASE_URL"], timeout=20)
        self._tokens: dict[str, dict[str, Any]] = {}
        self._connections: dict[str, psycopg.Connection[dict[str, Any]]] = {}
        self._connecting, self._signing_in = threading.Lock(), threading.Lock()
        shared = settings.Settings(self.environment)
        self._open = ExitStack()
        self._operator = self._open.enter_context(Api(shared.gateway_url))
        self._operator_session = ops_options.session(shared)

    def close(self) -> None:
        self._open.close()
        self.gateway.close()
        self.wechat.close()
        for connection in self._connections.values():
            connection.close()

    def bearer(self, who: str) -> dict[str, str]:
        """`BUYER`, `MERCHANT` or `OPERATOR`, signed in, with a token that is good for some minutes."""
        with self._signing_in:
            return {"Authorization": f"Bearer {self._operators_token() if who == 'OPERATOR' else self._token(who)}"}

    def _token(self, who: str) -> str:
        if (token := self._tokens.get(who)) is None:
            body = {"mobile": self.environment[f"{who}_MOBILE"], "password": self.environment[f"{who}_PASSWORD"]}
            self._tokens[who] = self.data("/usercenter/v1/user/login", body)
        elif time.time() >= token["refreshAfter"]:
            body = {"refreshToken": token["refreshToken"]}
            self._tokens[who] = self.data("/usercenter/v1/user/refreshToken", body)
        return str(self._tokens[who]["accessToken"])

    def _operators_token(self) -> str:
        """The session that `minsu ops` and other test processes use, too: a code of the authenticator is good once."""
        self._operator_session.enter(self._operator, at_most_old=FRESH_SECONDS)
        return self._operator.token

    def post(self, path: str, body: Any, who: str | None = None, **headers: str) -> httpx.Response:
        return self.gateway.post(path, json=body, headers=(self.bearer(who) if who else {}) | headers)

    def data(self, path: str, body: Any, who: str | None = None, **headers: str) -> dict[str, Any]:
        response = self.post(path, body, who, **headers)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert (answer["code"], answer["msg"]) == (200, "OK")
        data: dict[str, Any] = answer["data"]
        return data

    def book(self, *, days: int = 0, nights: int = 1) -> str:
        """Book a stay from today on, or from so many days later; returns the order number."""
        body = self.stay(days=days, nights=nights)
        return str(self.data("/order/v1/homestayOrder/createHomestayOrder", body, "BUYER")["orderSn"])

    def stay(self, *, days: int = 0, nights: int = 1) -> dict[str, Any]:
        """What createHomestayOrder takes, for a stay from today on, or from so many days later."""
        start = datetime.now(UTC) + timedelta(days=days)
        return {
            "homestayId": self.homestay,
            "isFood": False,
            "liveStartTime": int(start.timestamp()),
            "liveEndTime": int((start + timedelta(days=nights)).timestamp()),
            "livePeopleNum": 1,
            "remark": "",
        }

    def prepay(self, order_sn: str) -> dict[str, Any]:
        body = {"orderSn": order_sn, "serviceType": "homestayOrder"}
        return self.data("/payment/v1/thirdPayment/thirdPaymentWxPay", body, "BUYER")

    def tap_pay(self, out_trade_no: str) -> None:
        """The buyer pays in WeChat: WeChat holds the money and will call back."""
        response = self.wechat.post("/_sim/pay", json={"out_trade_no": out_trade_no})
        assert response.is_success, response.text

    def order(self, order_sn: str, who: str = "BUYER") -> dict[str, Any]:
        return self.data("/order/v1/homestayOrder/userHomestayOrderDetail", {"sn": order_sn}, who)

    def status(self, order_sn: str) -> dict[str, Any]:
        return self.data("/payment/v1/thirdPayment/thirdPaymentStatus", {"orderSn": order_sn}, "BUYER")

    def rows(self, service: str, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """What `service` has in its own database, as the owner of its tables: tests prepare what no service may write."""
        try:
            cursor = self._database(service).execute(query.encode(), parameters)
        except psycopg.OperationalError:  # a test has stopped the database in between
            self._connections.pop(service).close()
            cursor = self._database(service).execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def _database(self, service: str) -> psycopg.Connection[dict[str, Any]]:
        with self._connecting:
            if service not in self._connections:
                url = self.environment[f"{service.upper()}_OWNER_DATABASE_URL"].replace("+psycopg", "")
                # Nothing prepared: a test may change a table in between.
                self._connections[service] = psycopg.connect(
                    url, row_factory=dict_row, autocommit=True, prepare_threshold=None
                )
            return self._connections[service]

    def cli(
        self, program: str, *arguments: str, check: bool = True, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """One of our console scripts, as a user would call it; `typed` is its standard input."""
        script = Path(sys.executable).parent / program
        done = subprocess.run(
            [script, *arguments],
            env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1", **self.environment},
            capture_output=True,
            text=True,
            check=False,
            input=typed,
        )
        if check:
            assert done.returncode == 0, f"{program} {arguments}: {done.stdout}\n{done.stderr}"
        return done
