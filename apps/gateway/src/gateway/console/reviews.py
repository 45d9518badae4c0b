"""The review queue: what WeChat says that contradicts the ledger, and refunds that need an operator."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import age, choice, older, page_of
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = (
    Act(name="notice_resolve", page="reviews", service="payment", method="noticeResolve", params={"id": int}),
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
    open_ = row["state"] == "needs_review" and row["outRefundNo"]
    return RESCUES.get(row["reason"] or "", ()) if open_ else ()
