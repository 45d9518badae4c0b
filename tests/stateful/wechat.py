"""WeChat in memory, with its books in the sandbox's shape, so that one checker serves both. It may take what it is asked
and let nobody know, or be asked by a process that dies in that moment."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from notification.states import Outcome
from notification.states import Verdict as MessageVerdict
from notification.wechat.messages import Message
from payment.wechat import answers
from payment.wechat.errors import Ambiguous
from payment.wechat.verdicts import RefundVerdict, Verdict

TITLES = {"T1": "支付成功通知", "T2": "入住提醒", "T3": "退款成功通知", "T4": "退款申请提醒"}
OF_THE_STAY = {"T1", "T2"}
"""One of each for each payment. Of refunds there may be several: each different message is admitted once."""
MCHID, APPID, OPENID = "1900000001", "wx0000000000000001", "oGuest"
MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
Row = dict[str, Any]


class Line(StrEnum):
    """How the line to WeChat is."""

    GOOD = "good"
    DEAD = "dead"
    MUTE = "does it, and the answer is lost"
    FATAL = "does it, and the process that asked is killed"


class Killed(BaseException):
    """kill -9 of the process that asked: no handler of ours may catch it."""


@dataclass
class Wechat:
    """Everything that payment and notification ask of it; `taps`, `ends_refund` are what people and banks do."""

    line: Line = Line.GOOD
    bills: dict[str, Row] = field(default_factory=dict)
    refunds: dict[str, Row] = field(default_factory=dict)
    ledger: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    quota: int = 0
    refuses_refunds: bool = False
    """The guest's account is gone: no new number is taken."""
    used: set[str] = field(default_factory=set)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def books(self) -> dict[str, list[Row]]:
        return {
            "payment_order": list(self.bills.values()),
            "ledger": self.ledger,
            "refund": list(self.refunds.values()),
            "message": self.messages,
        }

    def pays(self, number: str) -> None:
        bill = self.bills[number]
        assert bill["state"] == "NOTPAY"
        bill |= {"state": "SUCCESS", "transaction_id": f"4200{next(self.numbers):024d}"}
        self.ledger.append({"kind": "PAY", "out_trade_no": number, "amount": bill["total"]})
        self.used -= OF_THE_STAY
        self.quota += 1

    def ends_refund(self, number: str, status: str) -> None:
        refund = self.refunds[number]
        refund["status"] = status
        if status == "SUCCESS":
            self.bills[refund["out_trade_no"]]["state"] = "REFUND"
            self.ledger.append({"kind": "REFUND", "out_trade_no": refund["out_trade_no"], "amount": refund["amount"]})

    def word(self, number: str, source: str) -> Verdict:
        bill = self.bills[number]
        paid = bill["state"] in {"SUCCESS", "REFUND"}
        return Verdict(
            source=source,
            mchid=MCHID,
            appid=APPID,
            out_trade_no=number,
            trade_state=bill["state"],
            total_fen=bill["total"],
            transaction_id=bill["transaction_id"] if paid else None,
            success_time=MORNING if paid else None,
        )

    def refund_word(self, number: str, source: str, status: str | None = None) -> RefundVerdict:
        refund = self.refunds[number]
        bill = self.bills[refund["out_trade_no"]]
        status = status or refund["status"]
        return RefundVerdict(
            source=source,
            mchid=MCHID,
            out_refund_no=number,
            refund_id=refund["wechat_id"],
            status=status,
            refund_fen=refund["amount"],
            total_fen=bill["total"],
            out_trade_no=bill["out_trade_no"],
            transaction_id=bill["transaction_id"],
            success_time=MORNING if status == "SUCCESS" else None,
        )

    def _reach(self) -> None:
        if self.line is Line.DEAD:
            raise Ambiguous("no answer")

    def _answer(self) -> None:
        if self.line is Line.MUTE:
            raise Ambiguous("the answer was lost")
        if self.line is Line.FATAL:
            self.line = Line.GOOD
            raise Killed

    async def prepay(self, request: str) -> str:
        self._reach()
        wish = json.loads(request)
        number = wish["out_trade_no"]
        bill = self.bills.setdefault(
            number,
            {"out_trade_no": number, "total": wish["amount"]["total"], "state": "NOTPAY", "transaction_id": None}
            | {"attach": wish["attach"], "openid": OPENID},
        )
        self._answer()
        if bill["state"] != "NOTPAY":
            raise answers.PREPAY.error(400, "ORDER_CLOSED" if bill["state"] == "CLOSED" else "ORDERPAID", "")
        return f"wx{number}"

    def pay_parameters(self, _appid: str, prepay_id: str) -> dict[str, str]:
        return {"package": f"prepay_id={prepay_id}"}

    async def query(self, number: str) -> Verdict:
        self._reach()
        self._answer()
        if number not in self.bills:
            raise answers.QUERY.error(404, "ORDER_NOT_EXIST", "")
        return self.word(number, "query")

    async def close(self, number: str) -> None:
        self._reach()
        bill = self.bills.setdefault(  # a number that was never ordered is used up as well
            number, {"out_trade_no": number, "total": 0, "state": "NOTPAY", "attach": "", "openid": OPENID}
        )
        if bill["state"] in {"SUCCESS", "REFUND"}:
            self._answer()
            raise answers.CLOSE.error(400, "ORDERPAID", "")
        bill["state"] = "CLOSED"
        self._answer()

    async def refund(self, request: str) -> RefundVerdict:
        self._reach()
        wish = json.loads(request)
        number, trade = wish["out_refund_no"], wish["out_trade_no"]
        if number not in self.refunds:
            if self.refuses_refunds:
                raise answers.REFUND.error(403, "USER_ACCOUNT_ABNORMAL", "the account is closed")
            live = sum(
                row["amount"]
                for row in self.refunds.values()
                if row["out_trade_no"] == trade and row["status"] != "CLOSED"
            )
            if live + wish["amount"]["refund"] > self.bills[trade]["total"]:
                raise answers.REFUND.error(400, "INVALID_REQUEST", "more than was paid")
            self.refunds[number] = {
                "out_refund_no": number,
                "out_trade_no": trade,
                "amount": wish["amount"]["refund"],
                "status": "PROCESSING",
                "wechat_id": f"5030{next(self.numbers)}",
            }
        self._answer()
        return self.refund_word(number, "request")

    async def apply_abnormal_refund(self, _refund_id: str, number: str, _card: object) -> RefundVerdict:
        self._reach()
        if self.refunds[number]["status"] != "ABNORMAL":
            raise answers.ABNORMAL_REFUND.error(400, "INVALID_REQUEST", "it is not abnormal")
        self.refunds[number]["status"] = "PROCESSING"
        self._answer()
        return self.refund_word(number, "request")

    async def query_refund(self, number: str) -> RefundVerdict:
        self._reach()
        self._answer()
        if number not in self.refunds:
            raise answers.QUERY_REFUND.error(404, "RESOURCE_NOT_EXISTS", "")
        return self.refund_word(number, "query")

    async def get_ready(self) -> None:
        return None

    async def send(self, message: Message) -> MessageVerdict:
        if self.line is Line.DEAD:
            return MessageVerdict(Outcome.FAILED, "no connection")
        said = {name: cell["value"] for name, cell in message.data.items()}
        permission = message.template_id if message.template_id in OF_THE_STAY else json.dumps(said)
        if permission in self.used or not self.quota:
            return MessageVerdict(Outcome.REFUSED, "user refuse to accept the msg", 43101)
        self.used.add(permission)
        self.messages.append({"openid": message.openid, "title": TITLES[message.template_id], "data": json.dumps(said)})
        try:
            self._answer()
        except Ambiguous:
            return MessageVerdict(Outcome.UNKNOWN, "the answer was lost")
        return MessageVerdict(Outcome.ACCEPTED, "ok", 0)
