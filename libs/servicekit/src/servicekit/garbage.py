"""When Python looks for garbage: not while a process starts, and seldom after.

What a start makes, modules and routes, stays to the end, and most of what requests make goes without the collector, which
would look through both again and again.
"""

import gc


def pause() -> None:
    """No collection until `resume`: a service starts with a tenth less processor time so."""
    gc.disable()


def resume(*, every: int) -> None:
    """Collect again, each time `every` more objects exist (Python's default: 700), and never look at those of now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(every)
    gc.enable()
