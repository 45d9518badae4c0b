"""The Kafka edge: which use-case handles which event of order's."""

from servicekit.events import Consumer
from travel.events import NIGHTS_TOPIC, NightsUpdated
from travel.taken_nights import TakenNights


def on_nights_updated(nights: TakenNights) -> Consumer[NightsUpdated]:
    return Consumer(
        NIGHTS_TOPIC, "/events/order-nights", NightsUpdated, nights.on_updated, nights.on_updates, in_order=False
    )
