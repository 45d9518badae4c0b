"""The one fact that payment publishes: a payment was paid, or wholly refunded."""

from payment.models import ThirdPayment
from servicekit.clock import Clock
from servicekit.outbox import OutgoingEvent

PAYSTATUS_TOPIC = "payment-update-paystatus-topic"
REFUND_REQUESTED_TOPIC = "order-refund-requested-topic"


def paystatus_updated(payment: ThirdPayment, clock: Clock) -> OutgoingEvent:
    """`orderSn` is the order's number. The source system put the payment's there, and no order ever turned paid."""
    if payment.pay_time is None:
        raise ValueError(f"{payment.sn} was never paid: there is nothing to tell")
    return OutgoingEvent(
        topic=PAYSTATUS_TOPIC,
        key=payment.order_sn,
        type="minsu.payment.paystatus-updated.v1",
        source="minsu/payment",
        subject=payment.sn,
        occurred_at=clock(),
        data={
            "orderSn": payment.order_sn,
            "paymentSn": payment.sn,
            "payStatus": int(payment.pay_status),
            "totalFen": payment.total_fen,
            "payTime": payment.pay_time.isoformat().replace("+00:00", "Z"),
            "version": payment.version,
        },
    )
