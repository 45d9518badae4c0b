"""Refunds that an operator wants to send elsewhere and that wait for a second one."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import choice, older, page_of
from gateway.console.numbers import row_id
from gateway.console.present import Present, Words, first
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()
STATES = ("wanted", "approved", "declined", "expired")


async def _approval(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    listed = await visit.ask("payment", "refundApprovalList", {"lastId": params["id"] + 1, "pageSize": 1})
    if (row := first(listed["list"], id=params["id"])) is None:
        return {}
    return {
        "state": words.named("approvals", "state_", row["state"]),
        "amount": words.amount(row["refundFen"]),
        "account": f"{row['bankType']} …{row['accountTail']}" if row["bankType"] else "–",
        "refund_sn": row["refundSn"],
        "order": row["orderSn"],
        # The approver looks whether that operator is still one: what they asked for outlives their role.
        "asked": f"{visit.texts('approvals')['operator']} {row['requestedBy']}",
        "since": words.moment(row["requestedAt"]),
    }


ACTS: tuple[Act, ...] = (
    Act(
        name="refund_approve",
        page="approvals",
        service="payment",
        method="refundApprove",
        params={"id": row_id},
        look=_approval,
        money=True,
    ),
    Act(
        name="refund_decline",
        page="approvals",
        service="payment",
        method="refundDecline",
        params={"id": row_id},
        look=_approval,
    ),
)


@router.get("/console/money/approvals")
async def show(visit: SignedIn) -> Response:
    state = choice(visit, "state", STATES)
    rows = (await visit.ask("payment", "refundApprovalList", page_of(visit, state=state)))["list"]
    return visit.page("approvals", rows=rows, state=state, states=STATES, next_page=older(visit, rows))
