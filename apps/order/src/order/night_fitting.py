"""Which of the orders that want nights at the same time get them: the earlier one first, each all of its nights or none."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

NightKey = tuple[int, date]
"""A homestay's id, and the night."""


class Held(NamedTuple):
    """What is known of a night: units that are taken, of how many, rooms or beds (`sold_by` 0 or 1)."""

    taken: int
    stock: int
    sold_by: int


class Taken(NamedTuple):
    """Units that are taken of a night, in the order of the statement's parameters."""

    homestay_id: int
    night: date
    units: int
    stock: int
    sold_by: int


@dataclass(frozen=True, kw_only=True)
class WantedNights:
    """`units` of each of the nights, of a homestay that has `stock` of them."""

    homestay_id: int
    nights: tuple[date, ...]
    units: int
    stock: int
    sold_by: int

    @property
    def keys(self) -> list[NightKey]:
        return [(self.homestay_id, night) for night in self.nights]


class Nights:
    """The nights as they are held (without those that never were taken), and what is taken of them here."""

    def __init__(self, held: dict[NightKey, Held]) -> None:
        self._held = dict(held)
        self._taken: dict[NightKey, int] = {}

    def take(self, wanted: WantedNights) -> date | None:
        """Take all of them. Returns None, or the first date with less than the wanted units left, or taken by another unit
        (rooms, beds): then nothing is taken."""
        for key in wanted.keys:
            if not self._fits(key, wanted):
                return key[1]
        for key in wanted.keys:
            already = self._held[key].taken if key in self._held else 0
            self._held[key] = Held(already + wanted.units, wanted.stock, wanted.sold_by)
            self._taken[key] = self._taken.get(key, 0) + wanted.units
        return None

    def taken(self) -> list[Taken]:
        """What was taken, by night; stock and unit are those of the last that took it."""
        return [
            Taken(*key, units, self._held[key].stock, self._held[key].sold_by) for key, units in self._taken.items()
        ]

    def _fits(self, key: NightKey, wanted: WantedNights) -> bool:
        held = self._held.get(key)
        taken = held.taken if held else 0
        same_unit = held is None or taken == 0 or held.sold_by == wanted.sold_by
        return same_unit and taken + wanted.units <= wanted.stock
