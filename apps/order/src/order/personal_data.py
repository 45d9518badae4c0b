"""Personal data in order: what guests wrote. The order itself, with its amounts and nights, is a book and stays."""

# ruff: noqa: S608 - statements are put together of constants of this module alone

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import exists, or_, select

from order.models import HAS_TEXTS, HomestayOrder, OrderRefund
from order.states import TradeState
from servicekit.db import Transaction
from servicekit.personal_data import Holding, Retention, first_responses

OPEN_STATES = (TradeState.WAIT_PAY, TradeState.WAIT_USE)
MOST_NAMED = 20
_HAS_TEXTS = f"({HAS_TEXTS})"
_NO_TEXTS = "update homestay_order set remark = '', refund_reason = null, refund_note = null"

HOLDINGS = (
    Holding(
        "orders",
        "select sn, created_at, homestay_id, title, live_start_date, live_end_date, live_people_num, need_food, remark,"
        " order_total_fen, trade_state, checkin_code, payment_sn, paid_at, pay_type, refund_state, refund_reason,"
        " refund_note, refunded_fen from homestay_order where user_id = :user_id"
        " and (:before_sn = '' or id < (select id from homestay_order where sn = :before_sn))"
        " order by id desc limit :most",
        f"{_NO_TEXTS} where user_id = :user_id and {_HAS_TEXTS}",
    ),
    first_responses("/order/v1/homestayOrder/createHomestayOrder", "/order/v1/merchant/refundMore"),
)


def retentions(keep_days: int) -> tuple[Retention, ...]:
    """Of orders whose stay ended `keep_days` ago."""
    statement = (
        f"{_NO_TEXTS} where id in (select id from homestay_order where live_end_date < :before and {_HAS_TEXTS}"
        " and trade_state not in (0, 1) order by live_end_date limit :most for update skip locked) returning id"
    )
    return (Retention("order_texts", timedelta(days=keep_days), statement),)


async def open_orders(tx: Transaction, user_id: int) -> Sequence[str]:
    """Numbers of the orders that are not over, or whose refund is under way, as guest or as host; they are locked."""
    whose = or_(HomestayOrder.user_id == user_id, HomestayOrder.homestay_user_id == user_id)
    refunding = exists().where(OrderRefund.order_id == HomestayOrder.id, OrderRefund.state == "requested")
    query = select(HomestayOrder.sn).where(whose, or_(HomestayOrder.trade_state.in_(OPEN_STATES), refunding))
    return (await tx.scalars(query.order_by(HomestayOrder.id).limit(MOST_NAMED).with_for_update())).all()
