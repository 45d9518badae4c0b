"""Lists, details and what peers may know."""

import psycopg
import pytest

from servicekit.telemetry import traces
from servicekit.telemetry.traces import TraceContext
from tests.service.order.support import BUYER, MERCHANT, OTHER_MERCHANT, STRANGER, Order, refunded
from tests.support.tracing import recording

LIST, DETAIL = "/homestayOrder/userHomestayOrderList", "/homestayOrder/userHomestayOrderDetail"
UNKNOWN = "HSO2026112309302600000000"


async def listed(order: Order, **query) -> list[dict]:
    response = await order.post(LIST, query)
    assert response.status_code == 200, response.text
    rows: list[dict] = response.json()["data"]["list"]
    return rows


async def test_a_buyer_sees_own_orders_newest_first_page_by_page(order: Order) -> None:
    sns = [await order.create() for _ in range(3)]
    await order.create(user=STRANGER)

    first = await listed(order, lastId=0, pageSize=2, tradeState=-99)
    rest = await listed(order, lastId=first[-1]["id"], pageSize=2, tradeState=-99)

    assert [row["sn"] for row in first + rest] == sns[::-1]
    assert [row["orderSn"] for row in first] == [row["sn"] for row in first]
    assert set(first[0]) == {
        *("id", "sn", "orderSn", "homestayId", "homestayBusinessId", "title", "subTitle", "cover", "info", "rowType"),
        *("liveStartDate", "liveEndDate", "nights", "livePeopleNum", "needFood", "remark", "tradeState", "closing"),
        *(
            "refundOpen",
            "refundState",
            "refundReason",
            "refundNote",
            "refundAskTime",
            "cancelPolicy",
            "refundFen",
            "refundLeastFen",
            "refundedFen",
            "keptFen",
            "orderTotalPrice",
            "orderTotalFen",
            "createTime",
            "closeTime",
            "payTime",
            "tradeCode",
        ),
    }
    assert (first[0]["orderTotalPrice"], first[0]["orderTotalFen"]) == (199.0, 19900)
    assert (first[0]["payTime"], first[0]["tradeCode"]) == (0, "")
    assert first[0]["refundAskTime"] == 0


async def test_a_list_is_filtered_by_state(order: Order) -> None:
    await order.create()
    paid_sn, _ = await order.paid()

    assert [row["sn"] for row in await listed(order, tradeState=1)] == [paid_sn]
    assert await listed(order, tradeState=4) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"pageSize": 0}, "pageSize"),
        ({"pageSize": 101}, "pageSize"),
        ({"lastId": -1}, "lastId"),
        ({"lastId": 2**63}, "lastId"),
        ({"tradeState": 5}, "tradeState"),
        ({"tradeState": None}, "tradeState"),
    ],
)
async def test_a_list_has_bounds(order: Order, query: dict, field: str) -> None:
    response = await order.post(LIST, query)

    assert (response.status_code, response.json()["field"]) == (422, field)


async def test_the_detail_shows_the_code_once_paid_and_asks_payment_how_only_once(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=2, isFood=True)
    order.peers.answer(
        "payment",
        "/internal/paymentByOrder",
        {
            "sn": payment_sn, "orderSn": sn, "payStatus": 1, "payType": "WECHAT_PAY", "tradeState": "SUCCESS",
            "totalFen": 49800, "refundedFen": 0, "payTime": "2026-11-23T01:31:20Z", "version": 2,
        },
    )  # fmt: skip

    [first, second] = [(await order.post(DETAIL, {"sn": sn})).json()["data"] for _ in range(2)]

    assert first == second
    assert first["tradeCode"] == order.row(sn)["checkin_code"]
    assert (first["payTime"], first["payType"]) == (1795397480, "WECHAT_PAY")
    assert (first["foodTotalPrice"], first["homestayTotalPrice"], first["orderTotalPrice"]) == (100.0, 398.0, 498.0)
    assert (first["userId"], first["homestayUserId"], first["peopleNum"]) == (BUYER, MERCHANT, 4)
    assert order.peers.asked("/internal/paymentByOrder") == 1


async def test_the_detail_is_shown_without_payment_too(order: Order) -> None:
    sn, _ = await order.paid()

    data = (await order.post(DETAIL, {"sn": sn})).json()["data"]

    assert (data["tradeState"], data["payType"]) == (1, "")


async def test_an_unpaid_detail_has_no_code_and_calls_no_peer(order: Order) -> None:
    sn = await order.create()

    data = (await order.post(DETAIL, {"sn": sn})).json()["data"]

    assert (data["tradeState"], data["tradeCode"], data["payTime"], data["payType"]) == (0, "", 0, "")
    assert order.peers.asked("/internal/paymentByOrder") == 0


async def test_another_ones_order_and_no_order_look_the_same(order: Order) -> None:
    sn = await order.create()

    theirs = await order.post(DETAIL, {"sn": sn}, user=STRANGER)
    unknown = await order.post(DETAIL, {"sn": UNKNOWN}, user=STRANGER)

    assert theirs.status_code == unknown.status_code == 404
    assert theirs.json()["msg"] == unknown.json()["msg"]
    assert theirs.json()["code"] == unknown.json()["code"]


async def test_a_merchant_sees_the_orders_of_own_homestays_without_codes(order: Order) -> None:
    sn, _ = await order.paid()

    mine = await order.merchant("/orderList", {"lastId": 0, "pageSize": 10, "tradeState": -99})
    others = await order.merchant("/orderList", {"pageSize": 10}, user=OTHER_MERCHANT)
    as_buyer = await order.post("/merchant/orderList", {"pageSize": 10}, user=MERCHANT)

    assert [row["sn"] for row in mine.json()["data"]["list"]] == [sn]
    assert order.row(sn)["checkin_code"] not in mine.text
    assert others.json()["data"]["list"] == []
    assert as_buyer.status_code == 403


async def asked(order: Order) -> tuple[str, str]:
    """A paid stay whose refund waits for the merchant."""
    sn, payment_sn = await order.paid(nights=2)
    order.clock.pass_by(hours=2, minutes=30)  # noon in Shanghai
    answer = await order.post("/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": "孩子发烧"})
    assert answer.json()["data"]["refundState"] == "asked"
    return sn, payment_sn


async def test_a_merchant_finds_the_refunds_that_wait_for_a_decision_among_all_orders(order: Order) -> None:
    sn, _ = await asked(order)
    newer, _ = await order.paid()

    waiting = (await order.merchant("/orderList", {"refundState": "asked"})).json()["data"]["list"]
    all_orders = (await order.merchant("/orderList", {"refundState": "any"})).json()["data"]["list"]
    others = (await order.merchant("/orderList", {"refundState": "asked"}, user=OTHER_MERCHANT)).json()["data"]["list"]

    noon = 1795406400
    [row] = waiting
    assert (row["sn"], row["refundReason"], row["refundAskTime"], row["orderTotalFen"]) == (sn, "孩子发烧", noon, 39800)
    assert [each["sn"] for each in all_orders] == [newer, sn]
    assert others == []
    await order.merchant("/refundDecision", {"sn": sn, "agree": False, "note": "当日不可退"})
    assert (await order.merchant("/orderList", {"refundState": "asked"})).json()["data"]["list"] == []


async def test_a_filter_that_is_not_there_is_refused_by_name(order: Order) -> None:
    response = await order.merchant("/orderList", {"refundState": "refused"})

    assert (response.status_code, response.json()["field"]) == (422, "refundState")


async def test_a_refunded_order_says_when(order: Order) -> None:
    sn, payment_sn = await asked(order)
    await order.merchant("/refundDecision", {"sn": sn, "agree": True, "note": ""})
    order.clock.pass_by(minutes=3)

    before = (await order.post(DETAIL, {"sn": sn})).json()["data"]
    await order.hear(refunded(sn, payment_sn, total_fen=39800))
    after = (await order.post(DETAIL, {"sn": sn})).json()["data"]

    asked_at = 1795406400
    assert (before["tradeState"], before["refundAskTime"], before["refundTime"]) == (1, asked_at, 0)
    assert (after["tradeState"], after["refundAskTime"], after["refundTime"]) == (3, 0, asked_at + 180)


async def test_payable_says_how_much_until_when(order: Order) -> None:
    sn = await order.create()

    answer = (await order.inside("/internal/payable", {"orderSn": sn})).json()

    assert TraceContext(answer.pop("traceparent")).trace_id == order.row(sn)["traceparent"][3:35]
    assert answer == {
        "orderSn": sn,
        "userId": BUYER,
        "totalFen": 19900,
        "tradeState": 0,
        "payable": True,
        "closeAt": "2026-11-23T02:00:00Z",
        "title": "西湖边的小院",
        "tracestate": "",
    }


async def test_payment_is_told_the_trace_of_the_booking(order: Order, sql: psycopg.Connection) -> None:
    with recording() as recorded:
        sn = await order.create()
    booked = traces.written(recorded.one("POST /order/v1/homestayOrder/createHomestayOrder").context)

    for path, body in (("payable", {"orderSn": sn}), ("payables", {"orderSns": [sn]})):
        answer = (await order.inside(f"/internal/{path}", body)).json()
        told = answer if path == "payable" else answer["payables"][0]
        assert (told["traceparent"], told["tracestate"]) == (booked.traceparent, "")
    sql.execute("update homestay_order set traceparent = null where sn = %s", [sn])  # from before it was kept
    assert (await order.inside("/internal/payable", {"orderSn": sn})).json()["traceparent"] == ""


async def test_peers_read_an_order_with_its_code(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=2)

    answer = (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()

    assert answer == {
        "sn": sn,
        "userId": BUYER,
        "homestayId": 7,
        "homestayUserId": MERCHANT,
        "title": "西湖边的小院",
        "tradeState": 1,
        "tradeCode": order.row(sn)["checkin_code"],
        "totalFen": 39800,
        "liveStartDate": "2026-11-23",
        "liveEndDate": "2026-11-25",
        "payTime": "2026-11-23T01:31:20Z",
        "paymentSn": payment_sn,
        "refundedAt": None,
        "refundedFen": None,
        "refundState": "none",
        "refundAskedAt": None,
        "refundAnswerBy": None,
        "refundLeastFen": None,
        "version": 2,
    }


async def test_peers_read_what_went_back_of_a_refunded_order_and_when(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=2)
    order.clock.pass_by(hours=1)
    await order.hear(refunded(sn, payment_sn, total_fen=39800))
    order.clock.pass_by(hours=1)

    answer = (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()

    told = {name: answer[name] for name in ("tradeState", "refundedAt", "refundedFen", "version")}
    assert told == {"tradeState": 3, "refundedAt": "2026-11-23T02:30:00Z", "refundedFen": 39800, "version": 3}


async def test_only_a_used_order_of_its_buyer_may_be_commented(order: Order) -> None:
    sn, _ = await order.paid()
    before = await order.inside("/internal/commentable", {"orderSn": sn, "userId": BUYER})
    await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})

    after = await order.inside("/internal/commentable", {"orderSn": sn, "userId": BUYER})
    strangers = await order.inside("/internal/commentable", {"orderSn": sn, "userId": STRANGER})

    assert before.json() == {"homestayId": 7, "commentable": False}
    assert after.json() == {"homestayId": 7, "commentable": True}
    assert strangers.status_code == 404


async def test_peers_read_many_orders_at_once_as_each_alone(order: Order) -> None:
    waiting = await order.create()
    paid, _ = await order.paid(nights=2)
    refunded_sn, payment_sn = await order.paid(nights=2)
    await order.hear(refunded(refunded_sn, payment_sn, total_fen=39800))
    asked, _ = await order.paid()
    await order.post("/homestayOrder/refundHomestayOrder", {"sn": asked, "reason": "ill"})
    sns = [waiting, paid, refunded_sn, asked]

    answer = await order.inside("/internal/orders", {"orderSns": [UNKNOWN, *sns]})

    alone = [(await order.inside("/internal/orderDetail", {"orderSn": sn})).json() for sn in sns]
    assert sorted(answer.json()["orders"], key=lambda each: sns.index(each["sn"])) == alone
    assert [each["refundedAt"] is None for each in alone] == [True, True, False, True]


async def test_payment_is_told_of_many_orders_what_it_is_told_of_each(order: Order) -> None:
    waiting = await order.create()
    paid, _ = await order.paid(nights=2)
    other = await order.create(user=STRANGER)
    sns = [waiting, paid, other]

    answer = await order.inside("/internal/payables", {"orderSns": [UNKNOWN, *sns, waiting]})

    alone = [(await order.inside("/internal/payable", {"orderSn": sn})).json() for sn in sns]
    assert sorted(answer.json()["payables"], key=lambda each: sns.index(each["orderSn"])) == alone
    assert [each["payable"] for each in alone] == [True, False, True]


@pytest.mark.parametrize("path", ["orders", "payables"])
@pytest.mark.parametrize("sns", [[], [""], ["HSO1"] * 501, None, [1]], ids=["none", "empty", "many", "null", "number"])
async def test_many_orders_are_asked_for_by_number_and_not_without_bound(order: Order, sns: object, path: str) -> None:
    assert (await order.inside(f"/internal/{path}", {"orderSns": sns})).status_code == 422


@pytest.mark.parametrize("path", ["payable", "orderDetail"])
async def test_peers_get_a_404_for_no_order_and_outsiders_nothing(order: Order, path: str) -> None:
    sn = await order.create()

    absent = await order.inside(f"/internal/{path}", {"orderSn": UNKNOWN})
    outsider = await order.http.post(f"/internal/{path}", json={"orderSn": sn})

    assert absent.status_code == 404
    assert outsider.status_code == 401
