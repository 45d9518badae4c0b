"""Payments by state and age."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import AGES, age, choice, older, page_of
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = ()
STATUSES = {"-1": -1, "0": 0, "1": 1, "2": 2}
"""As they stand in the address: closed, waiting, paid, refunded."""


@router.get("/console/money/payments")
async def show(visit: SignedIn) -> Response:
    status, least = choice(visit, "status", STATUSES), choice(visit, "older", AGES)
    body = page_of(visit, olderThanSeconds=int(least or 0)) | ({"payStatus": STATUSES[status]} if status else {})
    rows = (await visit.ask("payment", "paymentList", body))["list"]
    return visit.page(
        "payment_list",
        rows=[{**row, "age": age(row["createdAt"])} for row in rows],
        state=status,
        states=STATUSES,
        least=least,
        ages=AGES,
        next_page=older(visit, rows),
    )
