"""Refunds by state and age, and what an operator does with one that cannot complete by itself."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from gateway.console.acts import Act, Input
from gateway.console.listing import AGES, age, choice, older, page_of
from gateway.console.present import Present, Words, first
from gateway.console.refund_causes import ASKED_AGAIN_BY_ORDER
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()
STATES = ("requested", "accepted", "abnormal", "succeeded", "closed")


def _to_merchant(params: Mapping[str, Any], _: Mapping[str, str]) -> dict[str, Any]:
    return {**params, "card": None}


def _to_card(params: Mapping[str, Any], card: Mapping[str, str]) -> dict[str, Any]:
    return {**params, "card": dict(card)}


async def _refund(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    sn = params["refundSn"]
    payments = (await visit.ask("payment", "paymentFind", {"number": sn}))["list"]
    for order_sn in {payment["orderSn"] for payment in payments}:
        history = await visit.ask("payment", "paymentSteps", {"orderSn": order_sn})
        if row := first(history["refunds"], sn=sn):
            return {
                "amount": words.amount(row["refundFen"]),
                "state": words.named("refunds", "state_", row["state"]),
                "cause": words.named("refunds", "cause_", row["cause"]),
                "problem": row["problem"] or "–",
                "elsewhere": words.moment(row["sentElsewhereAt"]),
                "order": order_sn,
                "payment": row["paymentSn"],
            }
    return {}


def _outcome(result: Mapping[str, Any]) -> str:
    return "waits" if result["approvalId"] else "done"


ACTS: tuple[Act, ...] = (
    Act(
        name="refund_to_card",
        page="refunds",
        service="payment",
        method="refundSendElsewhere",
        params={"refundSn": str},
        look=_refund,
        inputs=(
            Input(name="bankType"),
            Input(name="bankAccount", secret=True),
            Input(name="realName", secret=True),
        ),
        body=_to_card,
        money=True,
        outcome=_outcome,
    ),
    Act(
        name="refund_to_merchant",
        page="refunds",
        service="payment",
        method="refundSendElsewhere",
        params={"refundSn": str},
        look=_refund,
        body=_to_merchant,
        money=True,
        outcome=_outcome,
    ),
    Act(
        name="refund_again",
        page="refunds",
        service="payment",
        method="refundBeginAgain",
        params={"refundSn": str},
        look=_refund,
        money=True,
    ),
)


@router.get("/console/money/refunds")
async def show(visit: SignedIn) -> Response:
    state, least = choice(visit, "state", STATES), choice(visit, "older", AGES)
    body = page_of(visit, state=state, olderThanSeconds=int(least or 0))
    rows = (await visit.ask("payment", "refundList", body))["list"]
    return visit.page(
        "refunds",
        rows=[{**row, "age": age(row["createdAt"])} for row in rows],
        state=state,
        states=STATES,
        asked_again_by_order=ASKED_AGAIN_BY_ORDER,
        least=least,
        ages=AGES,
        next_page=older(visit, rows),
    )
