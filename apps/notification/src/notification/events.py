"""Models of the events that this service consumes; unknown members are ignored. It publishes none."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from servicekit.events import EventData, whole

TRADE_STATE_TOPIC = "order-update-tradestate-topic"
REFUND_UPDATED_TOPIC = "order-update-refund-topic"
OrderSn = Annotated[str, StringConstraints(pattern=r"^HSO[0-9]{22}$"), Field(alias="orderSn")]


class TradeStateUpdated(EventData):
    """An order changed to `trade_state` (contracts/events/tradestate-updated.v1)."""

    order_sn: OrderSn
    trade_state: Annotated[Literal[-1, 1, 2, 3, 4], BeforeValidator(whole), Field(alias="tradeState")]


class RefundUpdated(EventData):
    """A change of a refund that leaves the trade state as it is (contracts/events/refund-updated.v1). `asked`: the
    merchant has to decide; `returned`, `part-returned`: a payment was refunded, or a part of it. Others are ignored."""

    order_sn: OrderSn
    refund_state: Annotated[str, Field(alias="refundState")]
    payment_sn: Annotated[str, StringConstraints(pattern=r"^PMT[0-9]{22}$"), Field(alias="paymentSn")]
    refund_fen: Annotated[int, Field(alias="refundFen", strict=True, ge=1, le=2**53), BeforeValidator(whole)]
    cause: str
    changed_at: Annotated[AwareDatetime, Field(alias="changedAt")]
