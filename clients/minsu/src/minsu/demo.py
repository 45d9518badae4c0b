"""The whole purchase, from signing in to the code checked in, each step with its time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from minsu import purchase
from minsu.api import Api
from minsu.errors import CommandFailed
from minsu.sandbox import Sandbox
from minsu.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    name: str
    ms: float
    said: str


class Steps:
    """Times what it is given, and tells `on_step` at once."""

    def __init__(self, on_step: Callable[[Step], None]) -> None:
        self.done: list[Step] = []
        self._on_step = on_step

    def take(self, name: str, action: Callable[[], T], said: Callable[[T], str] = lambda _: "") -> T:
        began = time.perf_counter()
        try:
            result = action()
        except CommandFailed as error:
            raise CommandFailed(f"{name}: {error}", error.hint) from error
        step = Step(name, round((time.perf_counter() - began) * 1000, 1), said(result))
        self.done.append(step)
        self._on_step(step)
        return result


def run(settings: Settings, on_step: Callable[[Step], None], *, seconds: float) -> dict[str, Any]:
    """Raises CommandFailed, naming the step, when one fails."""
    steps = Steps(on_step)
    sandbox = Sandbox(settings.wechatsim_url)
    began = time.perf_counter()
    with (
        Api(settings.gateway_url, language=settings.language) as buyer,
        Api(settings.gateway_url, language=settings.language) as merchant,
    ):
        steps.take("sign in as the buyer", lambda: buyer.sign_in(settings.account("BUYER")))
        steps.take("sign in as the merchant", lambda: merchant.sign_in(settings.account("MERCHANT")))
        homestay = steps.take(
            "choose a homestay",
            lambda: purchase.choose_homestay(buyer, owner_id=purchase.own_id(merchant)),
            lambda found: f"{found['id']} {found['title']}",
        )
        request = purchase.BookingRequest(
            homestay["id"], people=min(2, homestay["peopleNum"]), food=homestay["foodPrice"] > 0
        )
        sn = steps.take("order: tonight, one night", lambda: purchase.create_order(buyer, request), str)
        total_fen = purchase.fen(purchase.detail(buyer, sn)["orderTotalPrice"])
        parameters = steps.take(
            "prepay at WeChat", lambda: purchase.prepay(buyer, sn), lambda it: f"{it['paymentSn']} {it['package']}"
        )
        steps.take("the buyer pays in WeChat", lambda: sandbox.request_payment(parameters), lambda _: _yuan(total_fen))
        order = steps.take(
            "the backend confirms",
            lambda: purchase.await_confirmation(buyer, sn, seconds=seconds),
            lambda it: f"check-in code {it['tradeCode']}",
        )
        code = order["tradeCode"]
        messages = steps.take(
            "messages on the phone",
            lambda: purchase.await_messages(sandbox, settings.openid, (sn, code), seconds=seconds),
            lambda found: ", ".join(each["title"] or each["template_id"] for each in found),
        )
        checked_in = steps.take("the merchant checks in", lambda: purchase.check_in(merchant, code))
        state = steps.take(
            "the order is used",
            lambda: _used(buyer, sn),
            lambda it: purchase.STATES[it],
        )
    return {
        "order_sn": sn,
        "out_trade_no": parameters["paymentSn"],
        "total_fen": total_fen,
        "checkin_code": code,
        "trade_state": state,
        "checked_in": checked_in["order_sn"] == sn,
        "steps": [{"step": step.name, "ms": step.ms} for step in steps.done],
        "total_ms": round((time.perf_counter() - began) * 1000, 1),
        "messages": [{"title": each["title"], "data": each["data"]} for each in messages],
    }


def _used(api: Api, sn: str) -> int:
    state = int(purchase.detail(api, sn)["tradeState"])
    if purchase.STATES.get(state) != "checked in":
        raise CommandFailed(f"order {sn} is {purchase.STATES.get(state, state)} after its check-in")
    return state


def _yuan(amount_fen: int) -> str:
    return f"¥{amount_fen // 100}.{amount_fen % 100:02d}"
