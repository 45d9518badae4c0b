"""wechatsim as the WeChat of three services, called without HTTP. The line to it may break: then it does what it is asked
and its response is lost, or the process that asked is killed in that moment."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from notification.states import Outcome
from notification.states import Verdict as MessageVerdict
from notification.wechat.messages import Message
from payment.wechat import answers
from payment.wechat.answers import Call
from payment.wechat.errors import Ambiguous
from payment.wechat.verdicts import RefundContent, RefundNotice, RefundVerdict, Transaction, Verdict
from tests.support.merchant_books import MerchantBooks
from tests.support.sandbox import Sandbox
from wechatsim.errors import MiniError, PayError
from wechatsim.mini import message as messages
from wechatsim.pay import abnormal_refund, orders, prepay, refund_views, refunds

TITLES = {"T1": "支付成功通知", "T2": "入住提醒", "T3": "退款成功通知", "T4": "退款申请提醒"}
OF_THE_STAY = ("T1", "T2")
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


@cache
def sandbox() -> Sandbox:
    """One for all examples: parsing its keys takes longer than an example."""
    made = Sandbox({APPID: "secret"}, mchid=MCHID, allow_local_notify=True, magic_amounts=False)
    app = made.sim.apps[APPID]
    fields = {template["title"]: template["fields"] for template in app.templates.values()}
    app.templates = {ident: {"title": title, "fields": fields[title]} for ident, title in TITLES.items()}
    return made


class Wechat(MerchantBooks):
    """Everything that payment and notification ask of it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.line = Line.GOOD
        self.paid = False
        self.accepted: set[str] = set()
        sandbox().reset(now)
        super().__init__(sandbox().sim, sandbox().sim.merchants[MCHID])
        self.add_user(OPENID)
        self.sim.faults.set("refund-processing")

    @property
    def bills(self) -> dict[str, Row]:
        orders.expire(self.sim)
        rows = self.sim.store.all("SELECT * FROM payment_order ORDER BY created_at, out_trade_no")
        return {row["out_trade_no"]: dict(row) for row in rows}

    @property
    def refunds(self) -> dict[str, Row]:
        rows = self.sim.store.all("SELECT * FROM refund ORDER BY created_at, out_refund_no")
        return {row["out_refund_no"]: dict(row) for row in rows}

    @property
    def refuses_refunds(self) -> bool:
        """The guest's account is gone: no new number is taken."""
        return any(fault["name"] == "refund-refused" for fault in self.sim.faults.active())

    @refuses_refunds.setter
    def refuses_refunds(self, refuses: bool) -> None:
        self.sim.faults.clear("refund-refused")
        if refuses:
            self.sim.faults.set("refund-refused")

    def books(self) -> dict[str, list[Row]]:
        sent = [dict(row) for row in self.sim.store.all("SELECT * FROM message ORDER BY id")]
        return {
            "payment_order": list(self.bills.values()),
            "ledger": [dict(row) for row in self.sim.store.all("SELECT * FROM ledger ORDER BY id")],
            "refund": list(self.refunds.values()),
            "message": [row | {"title": TITLES[row["template_id"]]} for row in sent],
        }

    def pay(self, number: str) -> str:
        transaction_id = super().pay(number)
        self.paid = True
        for template_id in OF_THE_STAY:
            self._permit(template_id, 1)
        return transaction_id

    def verdict(self, number: str, source: str) -> Verdict:
        return Transaction.model_validate(self.transaction(number)).verdict(source)

    def refund_verdict(self, number: str, source: str) -> RefundVerdict:
        refund = self.refund_of(number)
        order = self.order_of(refund["out_trade_no"])
        if source == "callback":
            return RefundNotice.model_validate(refund_views.notification(order, refund)).verdict(source)
        return RefundContent.model_validate(refund_views.response(order, refund)).verdict(source)

    def _permit(self, template_id: str, count: int) -> None:
        permit = "INSERT OR REPLACE INTO quota (openid, template_id, remaining) VALUES (?, ?, ?)"
        self.sim.store.run(permit, OPENID, template_id, count)

    def _reach(self) -> None:
        if self.line is Line.DEAD:
            raise Ambiguous("no answer")

    def _answer(self) -> None:
        if self.line is Line.MUTE:
            raise Ambiguous("the answer was lost")
        if self.line is Line.FATAL:
            self.line = Line.GOOD
            raise Killed

    def _ask(self, call: Call, operation: Callable[[], Any]) -> Any:
        self._reach()
        try:
            result = operation()
        except PayError as error:
            self._answer()
            raise call.error(error.status, error.code, error.message) from error
        self._answer()
        return result

    async def prepay(self, request: str) -> str:
        content = self._ask(answers.PREPAY, lambda: prepay.prepay(self.sim, self.merchant, request.encode()))
        return str(content["prepay_id"])

    def pay_parameters(self, _appid: str, prepay_id: str) -> dict[str, str]:
        return {"package": f"prepay_id={prepay_id}"}

    async def query(self, number: str) -> Verdict:
        def query() -> Row:
            return orders.query(self.merchant, orders.find(self.sim, self.merchant, number))

        return Transaction.model_validate(self._ask(answers.QUERY, query)).verdict("query")

    async def close(self, number: str) -> None:
        body = json.dumps({"mchid": MCHID}).encode()
        self._ask(answers.CLOSE, lambda: orders.close(self.sim, self.merchant, number, body))

    async def refund(self, request: str) -> RefundVerdict:
        content = self._ask(answers.REFUND, lambda: refunds.apply(self.sim, self.merchant, request.encode()))
        return RefundContent.model_validate(content).verdict("request")

    async def apply_abnormal_refund(self, refund_id: str, number: str, _card: object) -> RefundVerdict:
        body = json.dumps({"out_refund_no": number, "type": "MERCHANT_BANK_CARD"}).encode()
        content = self._ask(
            answers.ABNORMAL_REFUND, lambda: abnormal_refund.apply(self.sim, self.merchant, refund_id, body, "")
        )
        return RefundContent.model_validate(content).verdict("request")

    async def query_refund(self, number: str) -> RefundVerdict:
        def query() -> RefundVerdict:
            if number not in self.refunds:
                raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            return self.refund_verdict(number, "query")

        return self._ask(answers.QUERY_REFUND, query)

    async def get_ready(self) -> None:
        return None

    async def send(self, message: Message) -> MessageVerdict:
        if self.line is Line.DEAD:
            return MessageVerdict(Outcome.FAILED, "no connection")
        text = json.dumps(message.data)
        if message.template_id not in OF_THE_STAY:
            self._permit(message.template_id, int(self.paid and text not in self.accepted))
        content = {"touser": message.openid, "template_id": message.template_id, "data": message.data}
        try:
            messages.send(self.sim, self.sim.apps[APPID], content)
        except MiniError as error:
            outcome = Outcome.REFUSED if error.errcode == 43101 else Outcome.INVALID
            return MessageVerdict(outcome, error.errmsg, error.errcode)
        self.accepted.add(text)
        try:
            self._answer()
        except Ambiguous:
            return MessageVerdict(Outcome.UNKNOWN, "the answer was lost")
        return MessageVerdict(Outcome.ACCEPTED, "ok", 0)
