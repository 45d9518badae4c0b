"""All groups of attempts, and that each left the data as it was."""

from collections.abc import Callable, Iterator, Mapping

from tests.attack import bodies, floods, forgeries, inside, others, roles, tokens, tricks
from tests.attack.report import Attempt, Report
from tests.attack.target import Target
from tests.support.system import System

Group = Callable[[Target], Iterator[Attempt]]
GROUPS: Mapping[str, Group] = {
    "roles": roles.attempts,
    "others": others.attempts,
    "tokens": tokens.attempts,
    "tricks": tricks.attempts,
    "inside": inside.attempts,
    "forgeries": forgeries.attempts,
    "bodies": bodies.attempts,
    "floods": floods.attempts,
}
WRITES = frozenset({"floods"})
"""Registers accounts of its own: what it must not do is judged by its answers."""


def attack(
    system: System, names: tuple[str, ...] = tuple(GROUPS), say: Callable[[str], object] = lambda _: None
) -> Report:
    """Every group of `names` in turn. Accounts and orders that it needs are made at the beginning."""
    target = Target(system)
    for who in ("stranger", "rival", "buyer", "merchant", "operator"):
        target.bearer(who)
    assert target.unpaid
    assert target.paid
    attempts: list[Attempt] = []
    for name in names:
        say(f"{name} …")
        attempts += _group(target, name)
    return Report(attempts)


def _group(target: Target, name: str) -> list[Attempt]:
    """The system's own work may end just then (an order closes, a message is sent), so a group that seems to have changed
    something is tried once more: what it wrote would be seen again."""
    for _ in range(2):
        before = target.rows()
        made = list(GROUPS[name](target))
        after = target.rows()
        changed = sorted(table for table in before if before[table] != after[table])
        if name in WRITES or not changed:
            return made
    return [*made, Attempt(name, "data afterwards", (), 0, f"changed: {', '.join(changed)}")]
