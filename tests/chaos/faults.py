"""What goes wrong, as data: a deck of faults, dealt in an order that the seed decides."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.dice import dice
from tests.chaos.machine import APPS, PARTS, PROXIED, SIDECARS

BUSY = ("order", "payment", "notification")


@dataclass(frozen=True)
class Fault:
    """`kind` names the lever in `levers.py`; `seconds` is how long it is held."""

    kind: str
    target: str
    seconds: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.target}".strip()


# Name → how often it strikes, and its number where the default is too long for a run of minutes.
CALLBACK_FAULTS: dict[str, float | None] = {
    "callback-lost": None,
    "callback-doubled": 3,
    "callback-late": 8,
    "callback-again": 4,
    "callback-reordered": 3,
    "callback-5xx": 1,
    "callback-slow": 3,
    "callback-bad-signature": None,
    "callback-bad-body": None,
    "callback-bad-ciphertext": None,
    "callback-old-time": None,
    "callback-wrong-serial": None,
    "callback-other-key": None,
    "callback-signtest": None,
    "callback-wrong-amount": None,
    "callback-wrong-mchid": None,
    "callback-wrong-appid": None,
    "callback-wrong-currency": None,
    "callback-unknown-order": None,
}
API_FAULTS: dict[str, float | None] = {
    "pay-coupon": 100,
    "close-unknown": None,
    "close-closed": None,
    "close-paying": None,
    "api-5xx": None,
    "api-5xx-after": None,
    "api-drop-after": None,
    "api-429": None,
    "api-slow": 6,
    "api-signtest": None,
    "api-bad-signature": None,
    "api-other-key": None,
    "mini-busy": None,
    "mini-bad-token": None,
    "message-unknown": None,
    "refund-late": 5,
    "refund-processing": None,
    "refund-abnormal": None,
    "refund-closed": None,
    "refund-not-enough": None,
    "refund-refused": None,
}


def deck(rng: random.Random, *, disk: bool, replicas: Sequence[str] = ()) -> list[Fault]:
    """Every fault once, the services that hold money twice, shuffled. `replicas`: what runs beside a first one."""
    faults = [Fault("kill", name) for name in (*PARTS, *BUSY, *(f"{name}-daprd" for name in BUSY), *replicas)]
    pausable = (*BUSY, *PROXIED, "order-daprd", "payment-daprd", *replicas)
    faults += [Fault("pause", name, rng.uniform(1, 8)) for name in pausable]
    for link in PROXIED:
        faults += [
            Fault("cut", link, rng.uniform(1, 5)),
            Fault("stall", link, rng.uniform(1, 8)),
            Fault("slow", link, rng.uniform(3, 8), {"delay": rng.uniform(0.05, 0.6)}),
        ]
    faults += [Fault("broker refuses", "", rng.uniform(2, 6)), Fault("publish again", "order")]
    faults += [Fault("publish again", "payment"), Fault("clock jumps", "", more={"by": rng.randint(20, 120)})]
    if disk:
        faults.append(Fault("disk full", "", rng.uniform(3, 7)))
    for name, value in {**CALLBACK_FAULTS, **API_FAULTS}.items():
        faults.append(Fault("wechat", name, more={"times": rng.randint(1, 4), "value": value}))
    rng.shuffle(faults)
    return faults


def short_deck(rng: random.Random, *, disk: bool) -> list[Fault]:
    """What a run of half a minute must not leave out; the rest of the choice is the seed's."""
    faults = [Fault("kill", name) for name in ("order", "payment", "notification", "postgres", "kafka")]
    faults += [Fault("kill", rng.choice(SIDECARS)), Fault("kill", rng.choice(("order-daprd", "payment-daprd")))]
    faults += [Fault("kill", rng.choice([name for name in APPS if name not in BUSY]))]
    faults += [Fault("pause", rng.choice(("order", "payment", "postgres")), rng.uniform(1, 4))]
    faults += [Fault("cut", rng.choice(PROXIED), rng.uniform(1, 3)), Fault("stall", "wechatsim", rng.uniform(1, 4))]
    faults += [Fault("publish again", "order"), Fault("clock jumps", "", more={"by": 30})]
    faults += [Fault("broker refuses", "", 3.0)]
    if disk:
        faults.append(Fault("disk full", "", 4.0))
    for name in (
        "callback-lost", "callback-doubled", "callback-wrong-amount", "callback-wrong-currency", "api-5xx-after",
        "message-unknown", "close-unknown", "close-closed", "close-paying",
    ):  # fmt: skip
        faults.append(Fault("wechat", name, more={"times": 2, "value": None}))
    rng.shuffle(faults)
    return faults


def schedule(seed: int, count: int, *, disk: bool, short: bool = False, replicas: Sequence[str] = ()) -> list[Fault]:
    """The first `count` of as many decks as are needed."""
    rng = dice(seed, "faults")
    dealt: list[Fault] = []
    while len(dealt) < count:
        dealt += short_deck(rng, disk=disk) if short else deck(rng, disk=disk, replicas=replicas)
    return dealt[:count]
