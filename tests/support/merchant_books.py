"""A merchant's payments and refunds at wechatsim: what buyers and banks do with them, what WeChat has of them."""

import json
from datetime import UTC, datetime
from typing import Any

from wechatsim.pay import orders, refund_endings, refunds
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row


class MerchantBooks:
    """Payments by out_trade_no, refunds by out_refund_no, amounts in fen. An unknown number raises LookupError."""

    def __init__(self, sim: Sim, merchant: Merchant) -> None:
        self.sim, self.merchant = sim, merchant

    def add_user(self, openid: str) -> None:
        self.sim.store.insert("user", appid=self.merchant.appid, openid=openid, mobile="", nickname="")

    @property
    def states(self) -> dict[str, str]:
        """Each payment's state, the oldest payment first."""
        orders.expire(self.sim)
        rows = self.sim.store.all("SELECT out_trade_no, state FROM payment_order ORDER BY created_at, out_trade_no")
        return {row["out_trade_no"]: row["state"] for row in rows}

    @property
    def refund_states(self) -> dict[str, str]:
        """Each accepted refund's state, the oldest refund first."""
        rows = self.sim.store.all("SELECT out_refund_no, status FROM refund ORDER BY created_at, out_refund_no")
        return {row["out_refund_no"]: row["status"] for row in rows}

    def order_of(self, number: str) -> Row:
        return orders.by_number_of(self.sim, self.merchant.mchid, number)

    def refund_of(self, number: str) -> Row:
        found = refunds.find(self.sim, self.merchant, number)
        if found is None:
            raise LookupError(number)
        return found

    def transaction(self, number: str) -> dict[str, Any]:
        """The payment as WeChat returns it to a query."""
        return dict(orders.query(self.merchant, self.order_of(number)))

    def notified(self, number: str, refund_number: str = "") -> bytes:
        """The body of WeChat's last notification about a payment, or about a refund of it."""
        last = "SELECT body FROM notification WHERE out_trade_no = ? AND out_refund_no = ? ORDER BY seq DESC LIMIT 1"
        row = self.sim.store.one(last, number, refund_number)
        if row is None:
            raise LookupError(number)
        return bytes(row["body"])

    def prepay_id(self, number: str) -> str:
        [row] = self.sim.store.all("SELECT prepay_id FROM prepay WHERE out_trade_no = ?", number)
        return str(row["prepay_id"])

    def paid_at(self, number: str) -> datetime:
        return datetime.fromtimestamp(int(self.order_of(number)["success_at"]), UTC)

    def refunded_at(self, number: str) -> datetime:
        return datetime.fromtimestamp(int(self.refund_of(number)["success_at"]), UTC)

    def held(self, number: str) -> int:
        """What WeChat still holds of a payment."""
        moved = self.sim.store.all("SELECT kind, amount FROM ledger WHERE out_trade_no = ?", number)
        return sum(row["amount"] if row["kind"] == "PAY" else -row["amount"] for row in moved)

    def pay(self, number: str) -> str:
        """The buyer pays: from here on WeChat holds the money. Returns the transaction id."""
        return str(orders.pay(self.sim, self.order_of(number), subscribe=False)["transaction_id"])

    def close_order(self, number: str) -> None:
        orders.close(self.sim, self.merchant, number, json.dumps({"mchid": self.merchant.mchid}).encode())

    def reopen(self, number: str) -> None:
        """As if it had never been closed: the buyer had begun to pay before."""
        later = self.sim.clock.now() + 60
        reopen = "UPDATE payment_order SET state = 'NOTPAY', time_expire = ? WHERE out_trade_no = ?"
        self.sim.store.run(reopen, later, number)

    def end_refund(self, number: str, status: str) -> None:
        """`status` is SUCCESS, CLOSED or ABNORMAL. One that has succeeded or was closed stays as it is."""
        refund_endings.finish(self.sim, self.refund_of(number), status)
