"""The Kafka edge: which use-case handles which event of payment's."""

from collections.abc import Sequence

from order.batch import Batch, PaymentEvent
from order.events import HOMESTAY_ORDER, PAYMENT_STATUS_TOPIC, REFUND_FAILED_TOPIC, PayStatusUpdated, RefundFailed
from order.fulfilment import PAID, REFUNDED, Fulfilment, PaymentFact
from order.refunds import Refunds
from servicekit.events import CloudEvent, Consumer, Received

NUMBERS = ("order_sn", "payment_sn")


def on_pay_status_updated(fulfilment: Fulfilment, batch: Batch) -> Consumer[PayStatusUpdated]:
    async def handle(event: CloudEvent, data: PayStatusUpdated) -> None:
        if (fact := _fact(data)) is not None:
            await fulfilment.on_payment_fact(event, data.order_sn, fact)

    async def handle_plain(received: Sequence[Received[PayStatusUpdated]]) -> set[int]:
        facts = [(place, each, _fact(each.data)) for place, each in enumerate(received)]
        ours = [(place, PaymentEvent(each.event, each.data.order_sn, fact)) for place, each, fact in facts if fact]
        not_ours = {place for place, _, fact in facts if fact is None}
        done = await batch.take([each for _, each in ours]) if ours else set()
        return not_ours | {ours[index][0] for index in done}

    return Consumer(
        PAYMENT_STATUS_TOPIC, "/events/payment-status", PayStatusUpdated, handle, handle_plain, numbers=NUMBERS
    )


def _fact(data: PayStatusUpdated) -> PaymentFact | None:
    """None for a payment of another business, and for a state that orders do not follow (a later version may add some)."""
    if data.service_type != HOMESTAY_ORDER or data.pay_status not in {PAID, REFUNDED}:
        return None
    return PaymentFact(data.payment_sn, data.version, data.pay_status, data.total_fen, data.pay_time, data.refunded_fen)


def on_refund_failed(refunds: Refunds) -> Consumer[RefundFailed]:
    async def handle(event: CloudEvent, data: RefundFailed) -> None:
        if data.service_type == HOMESTAY_ORDER:
            await refunds.on_failed(event, data.order_sn, data.payment_sn, data.request_sn)

    return Consumer(REFUND_FAILED_TOPIC, "/events/refund-failed", RefundFailed, handle, numbers=NUMBERS)
