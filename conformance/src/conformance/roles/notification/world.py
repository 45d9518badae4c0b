"""What the cases of notification act on: people with orders, events about them, and the messages that arrive."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance import events, expecting
from conformance.peers import Orders
from conformance.roles.base import World as BaseWorld
from conformance.wechat import Wechat

STATE_TOPIC, REFUND_TOPIC = "order-update-tradestate-topic", "order-update-refund-topic"
STATE_PATH, REFUND_PATH = "/events/order-state", "/events/order-refund"
STATE_TYPE, REFUND_TYPE = "minsu.order.tradestate-updated.v1", "minsu.order.refund-updated.v1"
CANCELLED, PAID, USED, REFUNDED = -1, 1, 2, 3
DUE = "notification-due"
STAY = ("paid", "before_arrival")
"""The kinds of messages that a paid order leads to."""
HOST_ID = 900


@dataclass(frozen=True)
class Guest:
    user_id: int
    openid: str


def told_of(number: str, user_id: int) -> dict[str, Any]:
    """What order says of an order that is paid."""
    return {
        "sn": number,
        "userId": user_id,
        "homestayId": 7,
        "homestayUserId": HOST_ID,
        "title": "西湖边的院子",
        "tradeState": PAID,
        "tradeCode": "K7MP3WXR",
        "totalFen": 19900,
        "liveStartDate": "2026-12-01",
        "liveEndDate": "2026-12-03",
        "payTime": events.now(),
        "paymentSn": events.sn("PMT"),
        "refundedAt": None,
        "refundedFen": None,
        "refundState": "none",
        "refundAskedAt": None,
        "refundAnswerBy": None,
        "refundLeastFen": None,
        "version": 2,
    }


@dataclass
class World(BaseWorld):
    wechat: Wechat
    orders: Orders

    def restore(self) -> None:
        self.wechat.clear()
        super().restore()

    def guest(self, *, messages: int = 1000, signed_in: bool = True) -> Guest:
        """A new guest, who accepts so many messages of each kind."""
        guest = Guest(self.users.new_id(), events.openid())
        self.wechat.person(guest.openid, messages=messages)
        if signed_in:
            self.users.openids[guest.user_id] = guest.openid
        return guest

    def order(self, guest: Guest, **more: Any) -> str:
        """The number of a new order that is paid; `more` replaces members of what order says about it."""
        number = events.sn("HSO")
        self.orders.found[number] = told_of(number, guest.user_id) | more
        return number

    def refund(self, order_sn: str, fen: int = 19900) -> None:
        """What order says of it from now on: wholly refunded, or a part."""
        self.orders.found[order_sn] |= {"tradeState": REFUNDED, "refundedAt": events.now(), "refundedFen": fen}

    def state(self, order_sn: str, trade_state: Any = PAID, **more: Any) -> dict[str, Any]:
        """The event that an order changed its trade state; `more` replaces members of the envelope."""
        data = {
            "orderSn": order_sn,
            "tradeState": trade_state,
            "fromState": 0 if trade_state in (PAID, CANCELLED) else 1,
            "changedAt": events.now(),
            "version": 2,
        }
        return events.event("order", STATE_TYPE, order_sn, data, **more)

    def refund_update(self, order_sn: str, refund_state: str, **more: Any) -> dict[str, Any]:
        """The event of a refund that leaves the trade state as it is; `more` replaces members of its data."""
        data = {
            "orderSn": order_sn,
            "refundState": refund_state,
            "paymentSn": self.orders.found[order_sn]["paymentSn"],
            "refundFen": 19900,
            "cause": "late-payment",
            "changedAt": events.now(),
        } | more
        return events.event("order", REFUND_TYPE, order_sn, data)

    def deliver(self, *bodies: dict[str, Any]) -> list[str]:
        """In one bulk, as the app's sidecar does, each under its order's number; the statuses."""
        path, topic = (STATE_PATH, STATE_TOPIC) if bodies[0]["type"] == STATE_TYPE else (REFUND_PATH, REFUND_TOPIC)
        keys = [str(each.get("subject") or place) for place, each in enumerate(bodies)]
        statuses: list[str] = self.door.deliver(path, topic, bodies, keys)
        return statuses

    def accepted(self, *bodies: dict[str, Any]) -> None:
        """`deliver`, and each must be SUCCESS."""
        expecting.equal(self.deliver(*bodies), ["SUCCESS"] * len(bodies), "the statuses of good events")

    def tasks(self, order_sn: str) -> dict[str, str]:
        """The messages about an order as operators see them: kind → state, with the id where there are
        several of one kind."""
        found = self.operator("messageSteps", {"orderSn": order_sn})["tasks"]
        counts = Counter(each["kind"] for each in found)
        return {
            each["kind"] if counts[each["kind"]] == 1 else f"{each['kind']}:{each['id']}": each["state"]
            for each in found
        }

    def attempted(self, order_sn: str) -> dict[str, str]:
        """Kinds and states of the messages about an order, when at least one attempt of each has ended."""

        def look() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self.operator("messageSteps", {"orderSn": order_sn})["tasks"]
            return found

        def is_tried(found: list[dict[str, Any]]) -> bool:
            return bool(found) and all(each["attempts"] and each["reason"] for each in found)

        tasks = expecting.eventually(look, is_tried, f"an attempt of each message about {order_sn}")
        return {each["kind"]: each["state"] for each in tasks}

    def settled(self, *order_sns: str, within: float = 20.0) -> dict[str, dict[str, str]]:
        """Kinds and states of the messages about these orders, when none is pending any more; retries are hurried along."""

        def look() -> dict[str, dict[str, str]]:
            self.door.tick(DUE)
            return {each: self.tasks(each) for each in order_sns}

        def is_over(found: Mapping[str, Mapping[str, str]]) -> bool:
            return all(states and "pending" not in states.values() for states in found.values())

        return expecting.eventually(look, is_over, "the messages of the orders", within=within)

    def arrived(self, guest: Guest) -> Counter[tuple[str, str]]:
        """Messages that reached this person, by (template, number in the page that they open)."""
        return Counter(
            (each["template_id"], each["page"].rpartition("=")[2]) for each in self.wechat.messages(guest.openid)
        )

    def once(self, kinds: Iterable[str], order_sns: Sequence[str]) -> Counter[tuple[str, str]]:
        """What `arrived` must be: each of these kinds once for each of these orders."""
        return Counter((self.wechat.templates[kind], each) for each in order_sns for kind in kinds)

    def delivered_once(self, guest: Guest, kinds: Sequence[str], *order_sns: str, within: float = 20.0) -> None:
        """Each of these messages arrives, once, and no other does."""
        states = self.settled(*order_sns, within=within)
        wanted = {each: dict.fromkeys(kinds, "sent") for each in order_sns}
        expecting.equal(states, wanted, "states of the messages")
        expecting.equal(self.arrived(guest), self.once(kinds, order_sns), "messages that arrived")
