"""Ten minutes of load: memory of every part, shared pages counted once, sampled, and the slope of the line through it."""

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import client, parts, seeding
from tests.bench.figures import Figure
from tests.bench.signing import callback_url, signed
from tests.support.system import System

RATE = 100.0
CHUNK_SECONDS = 20.0
SAMPLE_SECONDS = 10.0
WARM_SHARE = 0.2
"""Of the samples, the first are left out of the line: caches and pools fill."""


def soak(system: System, seconds: float, rate: float = RATE) -> list[Figure]:
    """Callbacks at `rate` a second. They are signed a chunk ahead, while the chunk before is sent."""
    run = Path(system.environment["RUN_DIR"])
    chunk = int(rate * CHUNK_SECONDS)
    samples: list[dict[str, float]] = []
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(run, samples, over))
    sampler.start()
    try:
        with ThreadPoolExecutor(1) as pool:
            following = _signed(system, chunk)
            for _ in range(max(1, round(seconds / CHUNK_SECONDS))):
                sending = pool.submit(
                    client.send, callback_url(system.environment), following, connections=32, rate=rate
                )
                following = _signed(system, chunk)
                answers = sending.result()
                assert answers.succeeded() == chunk, answers.statuses
    finally:
        over.set()
        sampler.join()
    slopes = {part: slope(samples, part) for part in samples[-1] if part != "seconds"}
    ours = sum(each for part, each in slopes.items() if parts.is_ours(part))
    note = "MB a minute by part: " + ", ".join(f"{part} {each:+.2f}" for part, each in slopes.items())
    title = f"memory at {rate:.0f}/s, growth in {samples[-1]['seconds'] / 60:.0f} min"
    return [Figure(title, "MB/min", ours, None, 1.0, less_is_better=True, note=note, series=samples)]


def slope(samples: Sequence[Mapping[str, float]], part: str) -> float:
    """MB a minute of the line through a part's samples, without the first ones."""
    kept = samples[int(len(samples) * WARM_SHARE) :]
    if len(kept) < 2:
        return 0.0
    minutes = [sample["seconds"] / 60 for sample in kept]
    return float(statistics.linear_regression(minutes, [sample.get(part, 0.0) for sample in kept]).slope)


def _signed(system: System, count: int) -> list[bytes]:
    orders = seeding.waiting_payments(system, count)
    seeding.accept_messages(system, count)
    return signed(system.environment, orders)


def _sample(run: Path, samples: list[dict[str, float]], over: threading.Event) -> None:
    began = time.monotonic()
    while True:
        sizes = {part: size / 1e6 for part, size in parts.proportional_bytes(run).items()}
        samples.append({"seconds": time.monotonic() - began, **sizes})
        if over.wait(SAMPLE_SECONDS):
            return
