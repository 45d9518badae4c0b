"""The review queue: what WeChat says that contradicts the ledger, and refunds that need an operator."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import age, choice, older, page_of
from gateway.console.numbers import row_id
from gateway.console.present import Present, Words, first
from gateway.console.refund_causes import ASKED_AGAIN_BY_ORDER
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()


async def _notice(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    listed = await visit.ask("payment", "noticeList", {"lastId": params["id"] + 1, "pageSize": 1})
    if (row := first(listed["list"], id=params["id"])) is None:
        return {}
    return {
        "state": words.named("reviews", "state_", row["state"]),
        "reason": words.named("reviews", "reason_", row["reason"]),
        "amount": words.amount(row["totalFen"]),
        "payment": row["outTradeNo"],
        "refund_sn": row["outRefundNo"] or "–",
        "detail": row["detail"],
    }


ACTS: tuple[Act, ...] = (
    Act(
        name="notice_resolve",
        page="reviews",
        service="payment",
        method="noticeResolve",
        params={"id": row_id},
        look=_notice,
    ),
)
STATES = ("needs_review", "resolved")
RESCUES = {
    "refund_abnormal": ("refund_to_card", "refund_to_merchant"),
    "refund_abnormal_again": ("refund_to_card", "refund_to_merchant"),
    "refund_closed": ("refund_again",),
    "refund_refused": ("refund_again",),
}
"""Acts on the notice's refund (refunds.py) that can end its reason."""


@router.get("/console/reviews")
async def show(visit: SignedIn) -> Response:
    """Without a choice what needs review; `state=all` shows everything."""
    state = choice(visit, "state", (*STATES, "all")) or "needs_review"
    rows = (await visit.ask("payment", "noticeList", page_of(visit, state="" if state == "all" else state)))["list"]
    return visit.page(
        "reviews",
        rows=[{**row, "age": age(row["createdAt"]), "rescues": _rescues(row)} for row in rows],
        acts=visit.texts("refunds"),
        state=state,
        states=(*STATES, "all"),
        next_page=older(visit, rows),
    )


def _rescues(row: dict[str, str | None]) -> tuple[str, ...]:
    if row["state"] != "needs_review" or not row["outRefundNo"]:
        return ()
    found = RESCUES.get(row["reason"] or "", ())
    # payment of an older build tells no cause
    asked_again = row.get("refundCause") in ASKED_AGAIN_BY_ORDER
    return tuple(each for each in found if not (each == "refund_again" and asked_again))
