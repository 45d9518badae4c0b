"""Every call that a service makes to another, on the peers that it runs with."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any

import httpx

import gateway.peers
import notification.peers
import order.peers
import payment.peers
import travel.peers
import usercenter.peers
from order.pricing import Stay
from servicekit.auth import jwks_by_invocation
from servicekit.sidecar import Sidecar

STAY = Stay(date(2026, 11, 23), date(2026, 11, 25))
SN, APPID = "HSO2026112309302612345678", "wx0000000000000001"
OTHER = "HSO2026112309302612345679"
DAY = date(2026, 11, 23)
ERASURE = usercenter.peers.Erasure(user_id=1, operator_id=9, note="asked by letter")


async def together(ask: Callable[[Any], Awaitable[object]], *what: object) -> None:
    """Asked at the same time, they become one call."""
    await asyncio.gather(*(ask(each) for each in what))


CALLS: dict[tuple[str, str, str], Callable[[Sidecar], Awaitable[object]]] = {
    ("servicekit", "usercenter", "jwks"): lambda sidecar: jwks_by_invocation(sidecar)(),
    ("gateway", "travel", "photoFile"): lambda sidecar: gateway.peers.TravelPeer(sidecar=sidecar).photo(
        "0" * 32, "thumb"
    ),
    ("gateway", "travel", "exportedCalendar"): lambda sidecar: gateway.peers.TravelPeer(sidecar=sidecar).calendar(
        "0" * 32
    ),
    ("order", "travel", "homestaySnapshot"): lambda sidecar: order.peers.TravelPeer(sidecar=sidecar).homestay(1, STAY),
    ("order", "travel", "homestaySnapshots"): lambda sidecar: together(
        partial(order.peers.TravelPeer(sidecar=sidecar).homestay, stay=STAY), 1, 2
    ),
    ("order", "travel", "freeStays"): lambda sidecar: order.peers.TravelPeer(sidecar=sidecar).free_stays(1, STAY, 1),
    ("order", "payment", "close"): lambda sidecar: order.peers.PaymentPeer(sidecar=sidecar).close(SN, 1),
    ("order", "payment", "paymentByOrder"): lambda sidecar: order.peers.PaymentPeer(sidecar=sidecar).of_order(SN),
    ("payment", "order", "payables"): lambda sidecar: together(
        payment.peers.OrderPeer(sidecar=sidecar).payable, SN, OTHER
    ),
    ("payment", "usercenter", "openids"): lambda sidecar: together(
        payment.peers.UserPeer(sidecar=sidecar, appid=APPID).openid, 1, 2
    ),
    ("payment", "order", "payable"): lambda sidecar: payment.peers.OrderPeer(sidecar=sidecar).payable(SN),
    ("payment", "order", "usedOrders"): lambda sidecar: payment.peers.OrderPeer(sidecar=sidecar).used(DAY, 0),
    ("payment", "order", "keptOrders"): lambda sidecar: payment.peers.OrderPeer(sidecar=sidecar).kept(DAY, 0),
    ("payment", "usercenter", "authByUser"): lambda sidecar: payment.peers.UserPeer(
        sidecar=sidecar, appid=APPID
    ).openid(1),
    ("travel", "usercenter", "usersByIds"): lambda sidecar: travel.peers.UserPeer(
        sidecar=sidecar, timeout_seconds=1
    ).profile(1),
    ("travel", "usercenter", "userById"): lambda sidecar: travel.peers.UserPeer(
        sidecar=sidecar, timeout_seconds=1
    ).mobile_is_proven(1),
    ("travel", "usercenter", "grantRole"): lambda sidecar: travel.peers.UserPeer(
        sidecar=sidecar, timeout_seconds=1
    ).grant_merchant(1),
    ("travel", "order", "commentable"): lambda sidecar: travel.peers.OrderPeer(sidecar=sidecar).homestay_of_used(SN, 1),
    ("travel", "order", "homestayNights"): lambda sidecar: travel.peers.OrderPeer(sidecar=sidecar).nights(
        date(2026, 11, 23), (0, date(2000, 1, 1)), 10
    ),
    ("notification", "order", "orderDetail"): lambda sidecar: notification.peers.OrderPeer(sidecar=sidecar).order(SN),
    ("notification", "usercenter", "authByUser"): lambda sidecar: notification.peers.UserPeer(
        sidecar=sidecar, appid=APPID
    ).openid(1),
    ("notification", "order", "orders"): lambda sidecar: notification.peers.OrderPeer(sidecar=sidecar).orders(
        [SN, OTHER]
    ),
    ("notification", "usercenter", "openids"): lambda sidecar: notification.peers.UserPeer(
        sidecar=sidecar, appid=APPID
    ).openids([1, 2]),
    ("usercenter", "order", "personalData"): lambda sidecar: usercenter.peers.OrderPeer(sidecar=sidecar).held(1),
    ("usercenter", "order", "erasePersonalData"): lambda sidecar: usercenter.peers.OrderPeer(sidecar=sidecar).erase(
        ERASURE
    ),
    ("usercenter", "payment", "personalData"): lambda sidecar: usercenter.peers.PaymentPeer(sidecar=sidecar).held(
        1, [SN]
    ),
    ("usercenter", "payment", "erasePersonalData"): lambda sidecar: usercenter.peers.PaymentPeer(sidecar=sidecar).erase(
        ERASURE, [SN]
    ),
    ("usercenter", "travel", "personalData"): lambda sidecar: usercenter.peers.TravelPeer(sidecar=sidecar).held(
        1, [SN]
    ),
    ("usercenter", "travel", "erasePersonalData"): lambda sidecar: usercenter.peers.TravelPeer(sidecar=sidecar).erase(
        ERASURE, [SN]
    ),
    ("usercenter", "notification", "personalData"): lambda sidecar: usercenter.peers.NotificationPeer(
        sidecar=sidecar
    ).held(1, [SN]),
    ("usercenter", "notification", "erasePersonalData"): lambda sidecar: usercenter.peers.NotificationPeer(
        sidecar=sidecar
    ).erase(ERASURE, [SN]),
}
"""By caller, callee and internal method."""


def sidecar_with(answer: httpx.Response) -> Sidecar:
    """A sidecar that returns `answer` to every call."""
    return Sidecar("http://sidecar", "", transport=httpx.MockTransport(lambda _: answer))
