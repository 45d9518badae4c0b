"""After any mix: for each payment, paid − refunded is what WeChat says it holds, to the fen, and nothing is stuck."""

import random
import time
from dataclasses import dataclass, field

import pytest

from tests.support.refunding import DUE_NOW, ask_refund, book_ahead, books, fault, hurry, inside, payment
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SEED = 20261123
STEPS = 24


@dataclass
class Mix:
    """One seeded sequence of what buyers, merchants, WeChat and the network do. `numbers` are all payments made."""

    system: object
    dice: random.Random
    numbers: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    requests: int = field(default_factory=lambda: int(time.time()) % 10_000_000 + 20_000_000)

    def opened(self):
        order_sn = book_ahead(self.system, days=self.dice.randint(2, 60), nights=self.dice.randint(1, 4))
        number = self.system.prepay(order_sn)["paymentSn"]
        self.orders.append(order_sn)
        self.numbers.append(number)
        return order_sn, number

    def paid(self):
        order_sn, number = self.opened()
        self.system.tap_pay(number)
        eventually(lambda: payment(self.system, number)["pay_status"] == 1, what="the payment settled")
        eventually(lambda: self.system.order(order_sn)["tradeState"] == 1, what="the order turned paid")
        return order_sn, number

    def ask(self, order_sn, number, fen):
        self.requests += 1
        answer = ask_refund(self.system, order_sn, number, fen, f"RFR20261123120000{self.requests:08d}")
        assert answer.status_code == 200, answer.text

    def unpaid(self):
        self.opened()

    def plain(self):
        self.paid()

    def doubled_callback(self):
        order_sn, number = self.opened()
        with fault(self.system, "callback-doubled", number, value=self.dice.randint(2, 5)):
            self.system.tap_pay(number)
        eventually(lambda: self.system.order(order_sn)["tradeState"] == 1, what="the order turned paid")

    def lost_callback(self):
        _, number = self.opened()
        with fault(self.system, "callback-lost", number):
            self.system.tap_pay(number)

    def coupon(self):
        _, number = self.opened()
        with fault(self.system, "pay-coupon", number, value=self.dice.randint(1, 500)):
            self.system.tap_pay(number)

    def parts(self):
        order_sn, number = self.paid()
        left = payment(self.system, number)["total_fen"]
        for _ in range(self.dice.randint(1, 3)):
            fen = self.dice.randint(1, left // 2)
            self.ask(order_sn, number, fen)
            left -= fen

    def parts_to_the_last_fen(self):
        order_sn, number = self.paid()
        total = payment(self.system, number)["total_fen"]
        first = self.dice.randint(1, total - 1)
        self.ask(order_sn, number, first)
        self.ask(order_sn, number, total - first)

    def whole(self):
        order_sn, _ = self.paid()
        self.system.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": order_sn, "reason": ""}, "BUYER")

    def whole_with_a_troubled_answer(self):
        name = self.dice.choice(["api-5xx", "api-5xx-after", "api-drop-after", "api-429", "api-signtest"])
        order_sn, number = self.paid()
        with fault(self.system, name, "/v3/refund/domestic/refunds"):
            self.ask(order_sn, number, payment(self.system, number)["total_fen"])
            eventually(lambda: self.refund_moved(number), what="the refund was tried")

    def refund_moved(self, number):
        return self.system.rows("payment", "select 1 from refund where payment_sn = %s and sent_at is not null", number)

    def late(self):
        order_sn, number = self.opened()
        self.system.rows("order", "update homestay_order set trade_state = -1 where sn = %s", order_sn)
        self.system.tap_pay(number)

    def duplicate(self):
        order_sn, first = self.opened()
        self.system.rows("payment", "update third_payment set pay_status = -1, prepay_id = null where sn = %s", first)
        second = self.system.prepay(order_sn)["paymentSn"]
        self.numbers.append(second)
        for number in self.dice.sample([first, second], 2):
            self.system.tap_pay(number)

    def closed(self):
        order_sn, _ = self.opened()
        self.system.data("/order/v1/homestayOrder/cancelHomestayOrder", {"sn": order_sn}, "BUYER")


ACTIONS = (
    Mix.plain,
    Mix.doubled_callback,
    Mix.lost_callback,
    Mix.coupon,
    Mix.parts,
    Mix.parts_to_the_last_fen,
    Mix.whole,
    Mix.whole_with_a_troubled_answer,
    Mix.late,
    Mix.duplicate,
    Mix.closed,
    Mix.unpaid,
)


def drive(system, numbers):
    """Let all that waits for its time come now; returns what has not ended yet."""
    waiting = []
    for number in numbers:
        if books(system, number)["paid"] and payment(system, number)["pay_status"] < 1:
            system.rows("payment", DUE_NOW, number)
            assert inside(system, "/jobs/payment-query-open").status_code == 200
            waiting.append(number)
        query = "select 1 from refund where payment_sn = %s and state in ('requested', 'accepted', 'abnormal')"
        if system.rows("payment", query, number):
            hurry(system, number)
            waiting.append(number)
    return waiting


def quiet(system, mix):
    if drive(system, mix.numbers):
        return False
    unpublished = "select count(*) as n from outbox where published_at is null and partition_key = any(%s)"
    return all(system.rows(each, unpublished, mix.orders)[0]["n"] == 0 for each in ("payment", "order"))


def unasked(system, mix):
    """Payments that WeChat holds money of although their order went another way: their refund must still come."""
    return [
        number
        for number in mix.numbers
        for row in [payment(system, number)]
        if row["pay_status"] == 1
        and system.rows("order", "select 1 from homestay_order where sn = %s and trade_state = -1", row["order_sn"])
    ]


def test_after_any_mix_paid_less_refunded_is_what_wechat_holds(system):
    mix = Mix(system, random.Random(SEED))  # noqa: S311 - dice, not keys
    actions = [*ACTIONS, *mix.dice.choices(ACTIONS, k=STEPS - len(ACTIONS))]
    mix.dice.shuffle(actions)
    for act in actions:
        act(mix)

    eventually(lambda: quiet(system, mix) and not unasked(system, mix), what="everything came to its end", seconds=90)
    duplicates = [sn for sn in mix.orders if sum(payment(system, n)["order_sn"] == sn for n in mix.numbers) > 1]
    eventually(
        lambda: all(holds_once(system, mix, sn) for sn in duplicates), what="second payments went back", seconds=60
    )
    eventually(lambda: quiet(system, mix), what="everything came to its end", seconds=60)

    for number in mix.numbers:
        row, theirs = payment(system, number), books(system, number)
        ours = row["total_fen"] if row["pay_status"] >= 1 else 0
        assert (ours, row["refunded_fen"]) == (theirs["paid"], theirs["refunded"]), number
        assert ours - row["refunded_fen"] == theirs["held"], number
        assert theirs["refunding"] == 0, number
        assert (row["pay_status"] == 2) == (row["refunded_fen"] == row["total_fen"]), number
    for order_sn in mix.orders:
        held = sum(books(system, n)["held"] for n in mix.numbers if payment(system, n)["order_sn"] == order_sn)
        eventually(lambda sn=order_sn, fen=held: fits(system, sn, fen), what=f"{order_sn} fits its money")
    letters = "select count(*) as n from dead_letter where state <> 'applied' and body like any(%s)"
    patterns = [f"%{sn}%" for sn in mix.orders]
    for service in ("payment", "order", "notification"):
        assert system.rows(service, letters, patterns)[0]["n"] == 0


def holds_once(system, mix, order_sn):
    drive(system, mix.numbers)
    return sum(books(system, n)["held"] > 0 for n in mix.numbers if payment(system, n)["order_sn"] == order_sn) == 1


def fits(system, order_sn, held):
    """A cancelled, unpaid or refunded order has no money left; a paid one has some."""
    return (system.order(order_sn)["tradeState"] in {1, 2}) == (held > 0)
