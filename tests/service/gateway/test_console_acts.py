"""What the confirmation of an act says of its object: its state at that moment, as the service tells it, in the reader's
words, with amounts in yuan."""

import asyncio
import re
from html import unescape

import httpx
import pytest

from gateway.console import present
from gateway.console.contents import ACTS
from tests.service.gateway.money import (
    ABNORMAL,
    NOTICE,
    ORDER,
    PAYMENT,
    PAYMENT_HISTORY,
    PAYOUT_DAY,
    PMT,
    RFD,
    SN,
    WAITING_RUN,
    tell_all,
)
from tests.service.gateway.operators import Operations, enter, post
from tests.service.gateway.statuses import TOPIC, letter, message, tell_rows

AT_NOON = "2026-11-23 12:00:00.000"


def tell_the_rest(services: Operations) -> None:
    tell_rows(services)
    services.data(f"{PAYMENT}/payoutDayList", {"list": [PAYOUT_DAY]})
    services.data("/order/v1/ops/deadLetterList", {"list": [letter()] * 3})
    services.data("/notification/v1/ops/taskList", {"list": [message()] * 100})


@pytest.fixture
async def csrf(app: httpx.AsyncClient, services: Operations) -> str:
    services.fresh()
    tell_all(services)
    tell_the_rest(services)
    app.cookies.clear()
    csrf = await enter(app)
    services.bodies.clear()
    return csrf


@pytest.fixture
def http(app: httpx.AsyncClient, csrf: str) -> httpx.AsyncClient:
    """Signed in."""
    return app


def told(page: httpx.Response) -> dict[str, str]:
    """What the page says of the object, by name."""
    found = re.findall(r'data-testid="now-(\w+)">(.*?)</dd>', page.text)
    return {name: unescape(re.sub(r"<[^>]*>", "", value)) for name, value in found}


def does(page: httpx.Response) -> str:
    return unescape(re.findall(r'data-testid="does">([^<]*)<', page.text)[0])


REFUND = {
    "amount": "9.00 元",
    "state": "异常",
    "cause": "买家申请",
    "problem": "the card is cancelled",
    "elsewhere": "–",
    "order": SN,
    "payment": PMT,
}
LETTER = {
    "state": "有毒",
    "topic": TOPIC,
    "reason": "unknown order",
    "attempts": "3",
    "since": "2026-11-23 12:00:07.000",
}
HOST = {"state": "待审核", "shop": "山里小院", "contact": "林", "about": "三间房", "problem": "–", "since": AT_NOON}
APPROVAL_NOW = {
    "state": "待批准",
    "amount": "1200.00 元",
    "account": "ICBC_DEBIT …3445",
    "refund_sn": RFD,
    "order": SN,
    "asked": "运维人员 9",
    "since": "2026-11-23 09:30:26.120",
}
ORDER_NOW = {
    "amount": "199.00 元",
    "state": "待入住",
    "refund_state": "退款失败",
    "refunded": "0.00 元",
    "homestay": "山里小院",
    "stay": "2026-11-24 – 2026-11-25",
}
SHOWN = {
    f"payment_query?paymentSn={PMT}": (
        f"支付 {PMT}（199.00 元）",
        {
            "amount": "199.00 元",
            "state": "已支付",
            "wechat": "SUCCESS",
            "order": SN,
            "until": "2026-11-23 10:00:26.000",
            "queried": "–",
        },
    ),
    f"refund_ask_again?sn={SN}": (f"订单 {SN} 的退款（149.00 元）", ORDER_NOW | {"refund": "149.00 元"}),
    f"closing_retry?sn={SN}": (
        f"订单 {SN}（199.00 元）",
        ORDER_NOW | {"closing": "否", "until": "2026-11-23 10:00:26.000"},
    ),
    f"refund_to_card?refundSn={RFD}": (f"异常退款 {RFD}（9.00 元）退到买家", REFUND),
    f"refund_to_merchant?refundSn={RFD}": (f"异常退款 {RFD}（9.00 元）退到商户", REFUND),
    f"refund_again?refundSn={RFD}": (f"退款 {RFD}（9.00 元）", REFUND),
    "notice_resolve?id=7": (
        "核实事项 7",
        {
            "state": "待核实",
            "reason": "金额不一致",
            "amount": "199.01 元",
            "payment": PMT,
            "refund_sn": "–",
            "detail": "WeChat says fen 19901, ours is 19900",
        },
    ),
    "reconcile?date=2026-11-22": (
        "2026-11-22 的账单",
        {
            "state": "已完成",
            "problem": "–",
            "payments": "10",
            "amount": "1990.00 元",
            "refunds": "1",
            "refund": "9.00 元",
            "finished": "2026-11-23 10:31:00.000",
        },
    ),
    "payout?date=2026-11-22": (
        "2026-11-22 的应付",
        {
            "state": "已计算",
            "records": "2",
            "businesses": "2",
            "amount": "238.51 元",
            "finished": "2026-11-23 11:00:00.000",
        },
    ),
    "letter_replay?service=order&id=7": ("order:7", LETTER),
    "letter_discard?service=order&id=7": ("order:7", LETTER),
    "letters_replay_all?service=order": ("order 服务", {"poison": "3", "waiting": "3"}),
    "resend?id=5": (
        "消息 5",
        {
            "state": "放弃发送",
            "kind": "支付成功",
            "order": SN,
            "reason": "no access token",
            "attempts": "2",
            "since": AT_NOON,
        },
    ),
    "resend_all?state=dead&cause=access-token&kind=": (
        "状态 放弃发送，类别 access-token，类型 –",
        {"messages": "100+", "state": "放弃发送", "kind": "–", "cause": "access-token"},
    ),
    "refund_approve?id=4": ("申请 4 的原样", APPROVAL_NOW),
    "refund_decline?id=4": ("申请 4，不提交微信", APPROVAL_NOW),
    "host_approve?id=4": ("编号 4", HOST),
    "host_refuse?id=4": ("编号 4", HOST),
}


@pytest.mark.parametrize("address", SHOWN)
async def test_an_act_says_to_what_it_is_done_as_that_is_now(http, address):
    page = await http.get(f"/console/acts/{address}")
    sentence, present_state = SHOWN[address]
    assert page.status_code == 200
    assert sentence in does(page)
    assert told(page) == present_state


def test_every_act_is_among_them():
    assert {address.partition("?")[0] for address in SHOWN} == set(ACTS)


async def test_it_is_said_in_english_too(http):
    await http.get("/console?lang=en")
    page = await http.get(f"/console/acts/refund_to_merchant?refundSn={RFD}")
    assert f"the abnormal refund {RFD} of ¥9.00 to the merchant's own account" in does(page)
    assert told(page) == REFUND | {"amount": "¥9.00", "state": "Abnormal", "cause": "Buyer"}
    labels = re.findall(r"<dt>([^<]*)</dt>", page.text)
    assert labels == ["Amount", "State", "Cause", "Problem", "Sent elsewhere", "Order", "Payment"]


async def test_what_changed_since_is_refused_and_shown_as_it_is_then(http, csrf, services):
    address = f"/console/acts/refund_to_merchant?refundSn={RFD}"
    assert told(await http.get(address))["state"] == "异常"
    services.data(f"{PAYMENT}/paymentSteps", PAYMENT_HISTORY | {"refunds": [ABNORMAL | {"state": "succeeded"}]})
    services.refuse(f"{PAYMENT}/refundSendElsewhere", "refund-is-not-abnormal")

    page = await post(http, address, {"csrf": csrf, "reason": "已核对"})

    assert (page.status_code, told(page)["state"]) == (409, "已退款")
    assert "该退款不处于异常状态" in page.text
    assert services.bodies[f"{PAYMENT}/refundSendElsewhere"] == [{"refundSn": RFD, "card": None, "note": "已核对"}]


@pytest.mark.parametrize("silent", ["away", "slow", "refuses", "knows nothing"])
async def test_where_the_state_cannot_be_read_that_is_said_and_the_act_can_be_done(
    http, csrf, services, monkeypatch, silent
):
    match silent:
        case "away":
            del services.answers["payment", f"{PAYMENT}/noticeList"]
        case "slow":
            monkeypatch.setattr(present, "SECONDS", 0.01)
            monkeypatch.setattr(services, "invoke", lambda *_, **__: asyncio.sleep(60))
        case "refuses":
            services.refuse(f"{PAYMENT}/noticeList", "invalid-input")
        case "knows nothing":
            services.data(f"{PAYMENT}/noticeList", {"list": [NOTICE | {"id": 6}]})
    page = await http.get("/console/acts/notice_resolve?id=7")
    monkeypatch.undo()
    assert (page.status_code, told(page)) == (200, {})
    [note] = re.findall(r'data-testid="unread">([^<]*)<', page.text)
    assert note.strip() == "读不到现在的状态：执行前请先到列表里确认。" + (
        " 参数有误，请检查后重试" if silent == "refuses" else ""
    )

    services.data(f"{PAYMENT}/noticeResolve", NOTICE | {"state": "resolved"})
    done = await post(http, "/console/acts/notice_resolve?id=7", {"csrf": csrf, "reason": "已核对"})
    assert done.status_code == 303


async def test_a_day_that_was_never_reconciled_or_computed(http, services):
    services.data(f"{PAYMENT}/reconciliationRun", WAITING_RUN)
    services.data(f"{PAYMENT}/payoutDayList", {"list": []})
    run = await http.get("/console/acts/reconcile?date=2026-11-23")
    assert told(run) == {
        "state": "进行中",
        "problem": "not ready: STATEMENT_CREATING",
        "payments": "–",
        "amount": "–",
        "refunds": "–",
        "refund": "–",
        "finished": "–",
    }
    assert told(await http.get("/console/acts/payout?date=2026-11-23")) == {}
    assert services.bodies[f"{PAYMENT}/payoutDayList"] == [{"before": "2026-11-24", "pageSize": 1}]
    assert (await http.get("/console/acts/payout?date=yesterday")).status_code == 404


async def test_an_act_asks_for_one_object_and_not_for_a_list(http, services):
    for address in ("notice_resolve?id=7", f"refund_again?refundSn={RFD}", "host_approve?id=4"):
        await http.get(f"/console/acts/{address}")
    assert services.bodies[f"{PAYMENT}/noticeList"] == [{"lastId": 8, "pageSize": 1}]
    assert services.bodies[f"{PAYMENT}/paymentFind"] == [{"number": RFD}]
    assert services.bodies[f"{PAYMENT}/paymentSteps"] == [{"orderSn": SN}]
    assert services.bodies["/travel/v1/ops/hostList"] == [{"lastId": 5, "pageSize": 1}]
    assert f"{ORDER}/orderSteps" not in services.bodies
