"""What stands behind guests' pages in tests: travel and order with one homestay, as their contracts publish it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from servicekit.clock import SHANGHAI
from servicekit.testing import FakeSidecar
from tests.service.gateway.services import DEVICE_TOKEN, LOGIN, refusal
from tests.support.published import require_as_published

SN = "HSO2026112309302612345678"
BASE_FEN, WEEKEND_FEN, FOOD_FEN = 32_000, 48_050, 5_000
SIGNED_IN = {
    "accessToken": "a.e30.c", "accessExpire": 4_000_000_000, "refreshAfter": 4_000_000_000, "refreshToken": "refresh-1",
    "operatorNeeds": None, "deviceToken": DEVICE_TOKEN,
}  # fmt: skip


def today() -> date:
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def later(days: int) -> str:
    """The date in so many days."""
    return (today() + timedelta(days=days)).isoformat()


def price_fen(night: date) -> int:
    return WEEKEND_FEN if night.weekday() in (4, 5) else BASE_FEN


@dataclass
class Village:
    """`taken` and `closed` are dates; a booking is refused as order would. `faults`: where it has responded as the service
    would not, which fails the test that has the fixture `village`."""

    sidecar: FakeSidecar = field(default_factory=FakeSidecar)
    taken: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    limits: dict[str, int] = field(default_factory=lambda: {"minNights": 1, "maxNights": 5, "daysAhead": 180})
    nearest: list[dict[str, str]] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(path, body), oldest first."""
    order: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.on("usercenter", LOGIN, lambda _body: SIGNED_IN)
        self.on("travel", "/travel/v1/homestay/homestayDetail", lambda _body: {"homestay": self.homestay()})
        self.on("travel", "/travel/v1/homestay/homestayCalendar", self.calendar)
        self.on("travel", "/travel/v1/homestay/search", self.search)
        self.on("travel", "/travel/v1/homestay/cityList", lambda _body: {"list": [{"city": "大理", "count": 1}]})
        self.on("travel", "/travel/v1/homestay/guessList", lambda _body: {"list": []})
        self.on("travel", "/travel/v1/homestayComment/commentList", lambda _body: {"list": []})
        self.on("order", "/order/v1/homestayOrder/quoteHomestayOrder", self.quote)
        self.on("order", "/order/v1/homestayOrder/createHomestayOrder", lambda _body: {"orderSn": SN})
        self.on("order", "/order/v1/homestayOrder/userHomestayOrderDetail", lambda _body: self.order)
        self.on("order", "/order/v1/homestayOrder/quoteCancel", lambda _body: self.cancel_quote(50))
        self.order = paid_order()

    def on(self, app_id: str, path: str, data: Callable[[dict[str, Any]], Any]) -> None:
        """`data` makes the response's data from a request's body, or a whole response."""

        def respond(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            self.sent.append((path, body))
            made = data(body)
            if isinstance(made, httpx.Response):
                return made
            response = {"code": 200, "msg": "OK", "data": made}
            try:
                require_as_published(app_id, path, response)
            except AssertionError as fault:  # raised here, in the gateway's thread, it would be an error of the gateway
                self.faults.append(str(fault))
            return httpx.Response(200, json=response)

        self.sidecar.answers[app_id, path] = respond

    def refuse(self, path: str, slug: str, **members: Any) -> None:
        response = refusal(path, slug, **members)
        self.on(path.split("/")[1], path, lambda _body: response)

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [body for path, body in self.sent if path.endswith(f"/{name}")]

    def homestay(self) -> dict[str, Any]:
        return self.limits | {
            "id": 1, "title": "洱海边的白族小院", "subTitle": "推窗见海，步行三分钟到码头", "city": "大理",
            "banner": "/static/homestays/1.svg", "info": "三坊一照壁，院里一棵缅桂。", "peopleNum": 4, "rowType": 0,
            "foodInfo": "白族早餐", "foodPrice": FOOD_FEN / 100, "homestayPrice": BASE_FEN / 100,
            "marketHomestayPrice": 420, "weekendPriceFen": WEEKEND_FEN, "star": 4.6, "commentNum": 8,
            "cancelPolicy": "moderate", "homestayBusinessId": 1, "userId": 2, "rowState": 1, "stock": 1,
            "photos": [
                {"id": n, "url": f"/static/homestays/{n}.svg", "thumbUrl": f"/static/homestays/{n}.svg",
                 "width": 800, "height": 520}
                for n in (1, 2, 3)
            ],
        }  # fmt: skip

    def calendar(self, body: dict[str, Any]) -> dict[str, Any]:
        first = date.fromisoformat(f"{body['month']}-01")
        dates = [first + timedelta(days=n) for n in range(31)]
        nights = [
            {
                "night": night.isoformat(),
                "priceFen": price_fen(night),
                "free": 0 if night.isoformat() in self.taken else 1,
                "closed": night.isoformat() in self.closed,
            }
            for night in dates
            if night.month == first.month
        ]
        return self.limits | {"id": body["id"], "month": body["month"], "nights": nights}

    def cancel_quote(self, percent: int, *, asks_host: bool = False) -> dict[str, Any]:
        total = self.order["orderTotalFen"]
        back = (total * percent + 50) // 100
        return {
            "sn": SN,
            "totalFen": total,
            "refundFen": back,
            "keptFen": total - back,
            "percent": percent,
            "cancelPolicy": "moderate",
            "asksHost": asks_host,
            "steps": self.order["refundSteps"],
        }

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """The one homestay, if it is free and fits."""
        start, end = body.get("start"), body.get("end")
        fits = body["city"] in ("", "大理") and body["people"] <= 4 and not (self.taken & set(nights(start, end)))
        total = sum(price_fen(date.fromisoformat(night)) for night in nights(start, end)) or None
        rows = [self.homestay() | {"fromFen": BASE_FEN, "stayTotalFen": total}] if fits else []
        return {"list": rows, "total": len(rows)}

    def quote(self, body: dict[str, Any]) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(body[name], SHANGHAI).date() for name in ("liveStartTime", "liveEndTime"))
        dates = [start + timedelta(days=n) for n in range((end - start).days)]
        food = FOOD_FEN * body["livePeopleNum"] if body["isFood"] else 0
        lines = [{"night": n.isoformat(), "homestayFen": price_fen(n), "foodFen": food} for n in dates]
        total = sum(line["homestayFen"] + line["foodFen"] for line in lines)
        full = next((line["night"] for line in lines if line["night"] in self.taken), None)
        closed = next((line["night"] for line in lines if line["night"] in self.closed), None)
        return {
            "nights": lines,
            "homestayTotalFen": sum(line["homestayFen"] for line in lines),
            "foodTotalFen": food * len(lines),
            "orderTotalFen": total,
            "fullNight": full,
            "closedNight": closed,
            "nearest": self.nearest if full or closed else [],
            "cancelPolicy": "moderate",
            "refundSteps": steps(start, total),
        }


def paid_order() -> dict[str, Any]:
    """For two nights from the fourth day on; all amounts differ, so that none can stand for another."""
    start, total = today() + timedelta(days=4), 74_051
    at = int(datetime.now(UTC).timestamp()) - 3600
    midnight = int(datetime(start.year, start.month, start.day, tzinfo=SHANGHAI).timestamp())
    return {
        "id": 1, "sn": SN, "orderSn": SN, "homestayId": 1, "homestayBusinessId": 1, "homestayUserId": 2, "userId": 7,
        "title": "洱海边的白族小院", "subTitle": "推窗见海", "info": "三坊一照壁，院里一棵缅桂。", "peopleNum": 4,
        "foodInfo": "白族早餐", "foodPrice": 25.0, "homestayPrice": 320.0, "marketHomestayPrice": 420.0,
        "cover": "/static/homestays/1.svg", "rowType": 0, "liveStartDate": midnight, "liveEndDate": midnight + 172_800,
        "nights": 2, "livePeopleNum": 2, "needFood": True, "remark": "", "tradeState": 1, "closing": False,
        "refundOpen": False, "refundState": "none", "refundReason": "", "refundNote": "", "refundAskTime": 0,
        "orderTotalPrice": total / 100, "orderTotalFen": total, "homestayTotalPrice": 640.51, "foodTotalPrice": 100.0,
        "createTime": at, "closeTime": at + 1800, "payTime": at + 60, "payType": "WECHAT_PAY", "refundTime": 0,
        "tradeCode": "K7MX4QPA", "cancelPolicy": "moderate", "refundFen": None, "refundLeastFen": None, "refundedFen": 0,
        "keptFen": 0, "refundSteps": steps(start, total),
        "lines": [
            {"night": later(4), "homestayFen": 32_000, "foodFen": 5_000},
            {"night": later(5), "homestayFen": 32_051, "foodFen": 5_000},
        ],
        "timeline": [
            {"state": 0, "fromState": None, "cause": "created", "at": at, "refundFen": None},
            {"state": 1, "fromState": 0, "cause": "paid", "at": at + 60, "refundFen": None},
        ],
    }  # fmt: skip


def nights(start: str | None, end: str | None) -> list[str]:
    if not start or not end:
        return []
    first = date.fromisoformat(start)
    return [(first + timedelta(days=n)).isoformat() for n in range((date.fromisoformat(end) - first).days)]


def steps(start: date, total: int) -> list[dict[str, Any]]:
    """Moderate: all of it until five days before, half until the day before."""

    def before(days: int) -> str:
        moment = datetime(start.year, start.month, start.day, tzinfo=SHANGHAI) - timedelta(days=days)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return [
        {"until": before(4), "percent": 100, "refundFen": total},
        {"until": before(0), "percent": 50, "refundFen": (total + 1) // 2},
        {"until": None, "percent": 0, "refundFen": 0},
    ]
