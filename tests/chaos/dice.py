"""Chance that comes again: the same seed and purpose give the same throws."""

import random


def dice(seed: int, purpose: object) -> random.Random:
    return random.Random(f"{seed}-{purpose}")  # noqa: S311 - no secret hangs on it
