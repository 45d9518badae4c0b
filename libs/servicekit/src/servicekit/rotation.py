"""Keys that are replaced while the service runs: its store is asked again every minute, and what changed is put to use.

A store that answers with the value of now (a cloud's, Vault's, Kubernetes') needs no restart. One that the sidecar has read
into its memory (`secretstores.local.file`) answers with the new value after the sidecar's restart; which services accept
the key of before as well, so that nothing is refused meanwhile, is said in the runbook.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Gauge

from servicekit import security_log
from servicekit.background import Background
from servicekit.loop import Loop
from servicekit.secrets import BadSecret

log = structlog.get_logger()
EVERY_SECONDS = 60.0
REPLACED = Counter("secrets_replaced_total", "Secrets that were replaced while the service ran")
REFUSED = Gauge("secrets_refused", "1 while the store holds a secret that cannot be used: the one before stays in use")
Held = Mapping[str, str]


@dataclass(kw_only=True, eq=False)
class Rotation:
    """`use` takes all secrets at once or raises BadSecret and changes nothing. The first call of `begin` is at the start of
    the service, before its first request."""

    read: Callable[[], Awaitable[Held]]
    use: Callable[[Held], None]
    _held: Held = field(init=False, default_factory=dict, repr=False)

    def begin(self, held: Held) -> None:
        """Raises BadSecret."""
        self.use(held)
        self._held = dict(held)
        REFUSED.set(0)

    async def check(self) -> None:
        """Raises PeerUnavailable while the store does not answer: the secrets stay as they are."""
        found = await self.read()
        if found == self._held:
            REFUSED.set(0)
            return
        changed = sorted(name for name in {*found, *self._held} if found.get(name) != self._held.get(name))
        try:
            self.begin(found)
        except BadSecret as error:
            REFUSED.set(1)
            log.error("a new secret cannot be used, the one before stays", secret_name=error.name, reason=str(error))
            return
        REPLACED.inc(len(changed))
        log.info("secrets are replaced", names=changed)
        security_log.event("key_rotated", names=", ".join(changed))

    def loop(self) -> Background:
        return Loop(self.check, name="secrets", every_seconds=EVERY_SECONDS, first_after_seconds=EVERY_SECONDS)
