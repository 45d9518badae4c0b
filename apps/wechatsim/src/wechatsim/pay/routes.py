"""The v3 operations and their paths."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim import errors
from wechatsim.errors import PayError
from wechatsim.pay import abnormal_refund, bills, orders, prepay, refund_endings, refund_views, refunds
from wechatsim.pay.endpoint import endpoint
from wechatsim.signing import certificates
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim

# The documented limits of refunds (wechat-pay-v3.md §5).
REFUNDS_PER_S, FAILED_REFUNDS_PER_S, REFUND_QUERIES_PER_S = 150, 6, 300


def _same_mchid(merchant: Merchant, request: Request) -> None:
    mchid = request.query_params.get("mchid")
    if not mchid:
        raise errors.missing("query", "mchid", "直连商户号")
    if mchid != merchant.mchid:
        raise errors.mchid_mismatch()


def _by_out_trade_no(sim: Sim, merchant: Merchant, request: Request, _: bytes) -> dict[str, Any]:
    _same_mchid(merchant, request)
    return orders.query(merchant, orders.find(sim, merchant, request.path_params["out_trade_no"]))


def _by_transaction_id(sim: Sim, merchant: Merchant, request: Request, _: bytes) -> dict[str, Any]:
    _same_mchid(merchant, request)
    row = sim.store.one("SELECT * FROM payment_order WHERE transaction_id = ?", request.path_params["transaction_id"])
    return orders.query(merchant, row)


def _close(sim: Sim, merchant: Merchant, request: Request, body: bytes) -> None:
    orders.close(sim, merchant, request.path_params["out_trade_no"], body)


def _prepay(sim: Sim, merchant: Merchant, _: Request, body: bytes) -> dict[str, Any]:
    return prepay.prepay(sim, merchant, body)


def _certificates(_: Sim, merchant: Merchant, __: Request, ___: bytes) -> dict[str, Any]:
    return certificates.listing(merchant)


def _refund(sim: Sim, merchant: Merchant, _: Request, body: bytes) -> dict[str, Any]:
    sim.rate_limiter.check(merchant.mchid, "refund", REFUNDS_PER_S)
    sim.rate_limiter.check(merchant.mchid, "failing refund", FAILED_REFUNDS_PER_S)
    sim.rate_limiter.count(merchant.mchid, "refund")
    try:
        return refund_endings.finish_at_once(sim, merchant, refunds.apply(sim, merchant, body))
    except PayError:
        sim.rate_limiter.count(merchant.mchid, "failing refund")
        raise


def _refund_query(sim: Sim, merchant: Merchant, request: Request, _: bytes) -> dict[str, Any]:
    sim.rate_limiter.check(merchant.mchid, "refund query", REFUND_QUERIES_PER_S)
    sim.rate_limiter.count(merchant.mchid, "refund query")
    row = refunds.find(sim, merchant, request.path_params["out_refund_no"])
    if row is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return refund_views.response(orders.by_number_of(sim, merchant.mchid, row["out_trade_no"]), row)


def _abnormal_refund(sim: Sim, merchant: Merchant, request: Request, body: bytes) -> dict[str, Any]:
    serial = request.headers.get("wechatpay-serial", "")
    return abnormal_refund.apply(sim, merchant, request.path_params["refund_id"], body, serial)


def _base(sim: Sim, request: Request) -> str:
    return sim.settings.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"


def _trade_bill(sim: Sim, merchant: Merchant, request: Request, _: bytes) -> dict[str, Any]:
    return bills.trade(sim, merchant, request.query_params, _base(sim, request))


def _fund_bill(sim: Sim, merchant: Merchant, request: Request, _: bytes) -> dict[str, Any]:
    return bills.fund(sim, merchant, request.query_params, _base(sim, request))


def _bill_file(sim: Sim, merchant: Merchant, request: Request, _: bytes) -> bytes:
    return bills.download(sim, merchant, request.query_params)


ROUTES = [
    Route("/v3/pay/transactions/jsapi", endpoint(_prepay), methods=["POST"]),
    Route("/v3/pay/transactions/out-trade-no/{out_trade_no}", endpoint(_by_out_trade_no), methods=["GET"]),
    Route("/v3/pay/transactions/out-trade-no/{out_trade_no}/close", endpoint(_close), methods=["POST"]),
    Route("/v3/pay/transactions/id/{transaction_id}", endpoint(_by_transaction_id), methods=["GET"]),
    Route("/v3/certificates", endpoint(_certificates), methods=["GET"]),
    Route("/v3/refund/domestic/refunds", endpoint(_refund), methods=["POST"]),
    Route("/v3/refund/domestic/refunds/{out_refund_no}", endpoint(_refund_query), methods=["GET"]),
    Route(
        "/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
        endpoint(_abnormal_refund),
        methods=["POST"],
    ),
    Route("/v3/bill/tradebill", endpoint(_trade_bill), methods=["GET"]),
    Route("/v3/bill/fundflowbill", endpoint(_fund_bill), methods=["GET"]),
    Route("/v3/billdownload/file", endpoint(_bill_file), methods=["GET"]),
]
