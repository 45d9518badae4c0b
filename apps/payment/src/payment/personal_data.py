"""Personal data in payment: the payer's openid in what was sent to WeChat, and reasons that buyers wrote. Payments and
refunds themselves are books and stay. People are known by their orders: payments have no index by user."""

# ruff: noqa: S608 - statements are put together of constants of this module alone

from datetime import timedelta

from payment.models import HAS_PAYER, HAS_REASON
from payment.settings import PaymentSettings
from servicekit.personal_data import Holding, Retention

_OF_ORDERS = "order_sn = any(:order_sns)"
_WITHOUT_PAYER = "update third_payment set request = (request::jsonb - 'payer')::text"
_WITHOUT_REASON = "update refund set reason = '', request = (request::jsonb - 'reason')::text"
_NOTICE = "state = 'resolved' and detail <> ''"

HOLDINGS = (
    Holding(
        "payments",
        "select sn, order_sn, total_fen, refunded_fen, pay_status, trade_state, transaction_id, bank_type, pay_time,"
        " request::jsonb #>> '{payer,openid}' as openid, created_at"
        f" from third_payment where {_OF_ORDERS} order by id desc limit :most",
        f"{_WITHOUT_PAYER} where {_OF_ORDERS} and {HAS_PAYER}",
    ),
    Holding(
        "refunds",
        "select sn, order_sn, refund_fen, cause, reason, state, success_time, created_at from refund"
        f" where payment_sn in (select sn from third_payment where {_OF_ORDERS}) order by id desc limit :most",
        f"{_WITHOUT_REASON} where payment_sn in (select sn from third_payment where {_OF_ORDERS}) and {HAS_REASON}",
    ),
    Holding(
        "notices",
        "select out_trade_no, reason, detail, created_at from provider_notice"
        f" where out_trade_no in (select sn from third_payment where {_OF_ORDERS}) order by id desc limit :most",
        "update provider_notice set detail = '' where out_trade_no in"
        f" (select sn from third_payment where {_OF_ORDERS}) and {_NOTICE}",
    ),
)


def retentions(settings: PaymentSettings) -> tuple[Retention, ...]:
    texts, payers = timedelta(days=settings.texts_keep_days), timedelta(days=settings.payers_keep_days)
    return (
        Retention("payers", payers, _aged(_WITHOUT_PAYER, "third_payment", "created_at", HAS_PAYER)),
        Retention("refund_reasons", texts, _aged(_WITHOUT_REASON, "refund", "created_at", HAS_REASON)),
        Retention(
            "notices", texts, _aged("update provider_notice set detail = ''", "provider_notice", "created_at", _NOTICE)
        ),
        Retention(
            "bill_lines",
            texts,
            _aged(
                "update reconciliation_difference set line = null",
                "reconciliation_difference",
                "found_at",
                "outcome <> 'open' and line is not null",
            ),
        ),
    )


def _aged(change: str, table: str, since: str, which: str) -> str:
    """`change` of the rows of `table` that are older than `:before`, oldest first."""
    rows = f"select id from {table} where {since} < :before and {which} order by {since} limit :most"
    return f"{change} where id in ({rows} for update skip locked) returning id"
