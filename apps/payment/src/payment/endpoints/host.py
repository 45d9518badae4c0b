"""Endpoints for hosts, about what they are paid out: `/payment/v1/host/…`. Hosts see what is due for their homestays."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from payment.daily.statement_csv import written
from payment.daily.statements import Statements
from payment.errors import NoSuchPayout, PeriodTooLong
from payment.host_schemas import Period, StatementDay, StatementList, StatementOrders, StatementQuery
from servicekit.app import provided
from servicekit.auth import Merchant
from servicekit.errors import Forbidden
from servicekit.messages import Catalogue, preferred_language
from servicekit.problems import declared
from servicekit.schemas import Ok

router = APIRouter(prefix="/payment/v1/host", tags=["host"])

TheStatements = Annotated[Statements, Depends(provided(Statements))]
COLUMNS = ("day", "homestay", "order", "total", "refunded", "kept", "fee", "payable")
CATALOGUE = Catalogue("payment")


@router.post("/payoutList", responses=declared(Forbidden))
async def list_payouts(body: StatementQuery, host: Merchant, statements: TheStatements) -> Ok[StatementList]:
    """By day and homestay, newest first: `pageSize` days before `lastDay`, each of them whole."""
    days = await statements.page(host.user_id, body.homestay_id, below=body.last_day, days=body.page_size)
    return Ok(data=StatementList.of(days))


@router.post("/payoutOrders", responses=declared(Forbidden, NoSuchPayout))
async def list_orders(body: StatementDay, host: Merchant, statements: TheStatements) -> Ok[StatementOrders]:
    """The orders of one homestay's day."""
    return Ok(data=StatementOrders.of(await statements.orders(host.user_id, body.homestay_id, body.day)))


@router.post(
    "/payoutCsv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **declared(Forbidden, PeriodTooLong)},
)
async def download_payouts(body: Period, host: Merchant, statements: TheStatements, request: Request) -> Response:
    """The orders of a period as a table, in the language of the caller, amounts in yuan."""
    lines = await statements.period(host.user_id, body.first, body.last)
    language = preferred_language(request.headers.get("accept-language", ""))
    header = [CATALOGUE.text(f"payout-{column}", language) for column in COLUMNS]
    table = written(lines, header, CATALOGUE.text("payout-sum", language))
    name = f"payouts-{body.first}-{body.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(table.encode(), media_type="text/csv; charset=utf-8", headers=headers)
