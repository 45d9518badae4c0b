"""The Kafka edge: order's own reading of payment's events (contracts/events/paystatus-updated.v1, refund-failed.v1)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field
from pydantic.alias_generators import to_camel
from pydantic.config import ConfigDict

from order.batch import Batch, PaymentEvent
from order.events import PAY_STATUS_TOPIC, REFUND_FAILED_TOPIC
from order.fulfilment import PAID, REFUNDED, Fulfilment, PaymentFact
from order.refunds import Refunds
from servicekit.events import CloudEvent, Consumer, EventData, Received

OURS = "homestayOrder"
"""What payment calls our orders; it takes money for other businesses too."""
BusinessNumber = Annotated[str, Field(min_length=1, max_length=32)]


class PaymentStatus(EventData):
    """`order_sn` is the order's number, never the payment's."""

    model_config = ConfigDict(alias_generator=to_camel)

    order_sn: BusinessNumber
    service_type: str = OURS
    payment_sn: BusinessNumber
    pay_status: int
    total_fen: Annotated[int, Field(ge=1, le=2**53)]
    pay_time: AwareDatetime
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class RefundFailed(EventData):
    model_config = ConfigDict(alias_generator=to_camel)

    order_sn: BusinessNumber
    service_type: str = OURS
    payment_sn: BusinessNumber
    request_sn: BusinessNumber


def payment_status(fulfilment: Fulfilment, batch: Batch) -> Consumer[PaymentStatus]:
    async def on_payment_status(event: CloudEvent, data: PaymentStatus) -> None:
        if (fact := _fact(data)) is not None:
            await fulfilment.on_payment_fact(event, data.order_sn, fact)

    async def on_plain(received: Sequence[Received[PaymentStatus]]) -> set[int]:
        facts = [(place, each, _fact(each.data)) for place, each in enumerate(received)]
        ours = [(place, PaymentEvent(each.event, each.data.order_sn, fact)) for place, each, fact in facts if fact]
        not_ours = {place for place, _, fact in facts if fact is None}
        done = await batch.take([each for _, each in ours])
        return not_ours | {ours[index][0] for index in done}

    return Consumer(PAY_STATUS_TOPIC, "/events/payment-status", PaymentStatus, on_payment_status, on_plain)


def _fact(data: PaymentStatus) -> PaymentFact | None:
    """None where orders do not follow: another business, or a state that a later payment may publish."""
    if data.service_type != OURS or data.pay_status not in {PAID, REFUNDED}:
        return None
    return PaymentFact(data.payment_sn, data.version, data.pay_status, data.total_fen, data.pay_time)


def refund_failed(refunds: Refunds) -> Consumer[RefundFailed]:
    async def on_refund_failed(event: CloudEvent, data: RefundFailed) -> None:
        if data.service_type != OURS:
            return
        await refunds.on_failed(event, data.order_sn, data.payment_sn, data.request_sn)

    return Consumer(REFUND_FAILED_TOPIC, "/events/refund-failed", RefundFailed, on_refund_failed)
