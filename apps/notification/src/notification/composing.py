"""Composes the message of a task from its order, as of now: for whom it is, and whether there is one to send. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from notification.claims import Claim
from notification.events import RefundUpdated
from notification.peers import OrderDetail
from notification.rendering import MessageTexts, Refund, Silence, Stay, Unrenderable, render
from notification.states import PAID_ORDER, REFUNDED_ORDER, STAY_KINDS, Kind, TaskState
from notification.wechat.errcodes import REJECTIONS, UNRENDERABLE
from notification.wechat.messages import Message
from servicekit.errors import PeerUnavailable


@dataclass(frozen=True)
class Templates:
    """The mini program's template ids, the pages that a tap on a message opens, and the texts."""

    ids: Mapping[Kind, str]
    page: str
    texts: MessageTexts
    merchant_page: str = ""

    def page_of(self, kind: Kind, order_sn: str) -> str:
        page = self.merchant_page if kind is Kind.REFUND_ASKED else self.page
        return page.replace("{sn}", order_sn)


class NothingToSend(Exception):
    """The task ends in `state` without a message."""

    def __init__(self, state: TaskState, reason: str, cause: str | None = None) -> None:
        super().__init__(reason)
        self.state, self.cause = state, cause


@dataclass(frozen=True)
class Recipient:
    """The user whom the message of a task is for, and what it is about."""

    user_id: int
    order: OrderDetail
    refund: Refund | None


def recipient(claim: Claim, order: OrderDetail | PeerUnavailable) -> Recipient:
    """Raises NothingToSend when the message is out of date, PeerUnavailable when order's response is or is missing."""
    if isinstance(order, PeerUnavailable):
        raise order
    refund = _refund(claim, order)
    return Recipient(order.homestay_user_id if claim.kind is Kind.REFUND_ASKED else order.user_id, order, refund)


def message(claim: Claim, to: Recipient, openid: str | None, templates: Templates) -> Message:
    """Raises NothingToSend without an openid, and for an order that does not fit the template."""
    if openid is None:
        raise NothingToSend(
            TaskState.REFUSED, "no openid: the user has never signed in to the mini program", "no-openid"
        )
    try:
        data = render(claim.kind, _stay(to.order, to.refund), templates.texts)
    except Unrenderable as error:
        REJECTIONS.labels(UNRENDERABLE).inc()
        raise NothingToSend(TaskState.INVALID, f"does not fit the template: {error}", UNRENDERABLE) from error
    return Message(openid, templates.ids[claim.kind], data, templates.page_of(claim.kind, to.order.sn))


def _refund(claim: Claim, order: OrderDetail) -> Refund | None:
    """The refund that the message is about, as of now. Raises NothingToSend when the message is out of date, and
    PeerUnavailable when order's answer is older than its event."""
    if claim.kind in STAY_KINDS:
        if order.trade_state != PAID_ORDER:
            raise NothingToSend(TaskState.CANCELLED, f"the order is in state {order.trade_state} now")
        return None
    if claim.kind is Kind.REFUNDED:
        if order.trade_state != REFUNDED_ORDER or order.refunded_at is None or order.refunded_fen is None:
            raise PeerUnavailable(f"order: published a refund, but answers none in state {order.trade_state}")
        if order.refunded_fen == 0:
            raise NothingToSend(TaskState.CANCELLED, "the order was cancelled, and nothing was given back")
        return Refund(order.refunded_fen, order.refunded_at)
    update = RefundUpdated.model_validate(claim.facts)
    if claim.kind is Kind.GIVEN_BACK:
        return Refund(update.refund_fen, update.changed_at, update.cause)
    if order.refund_state is None:
        raise PeerUnavailable("order: published a refund request, but answers none")
    if order.refund_state != "asked" or order.refund_asked_at != update.changed_at:
        raise NothingToSend(TaskState.CANCELLED, f"the request is decided: the refund state is {order.refund_state}")
    least = update.refund_fen if order.refund_least_fen is None else order.refund_least_fen
    silence = Silence.ALL if least >= update.refund_fen else Silence.SHARE if least else Silence.NOTHING
    return Refund(update.refund_fen, order.refund_answer_by or update.changed_at, silence)


def _stay(order: OrderDetail, refund: Refund | None) -> Stay:
    return Stay(
        order_sn=order.sn,
        title=order.title,
        total_fen=order.total_fen,
        first_day=order.live_start_date,
        last_day=order.live_end_date,
        code=order.checkin_code or "",
        refund=refund,
    )
