"""The state of one sandbox, which every endpoint works on. There are no globals."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from wechatsim.clock import Clock
from wechatsim.faults import FaultRegistry
from wechatsim.notify.notifier import Notifier
from wechatsim.rate_limit import RateLimiter
from wechatsim.signing import keyring, rotation
from wechatsim.signing.keyring import Merchant
from wechatsim.store import Store


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of a sandbox. `strict` also enforces what tests rarely want to wait for: a minute between refunds of
    an order, bills not before ten o'clock, rate limits."""

    keys: tuple[Path, ...]
    store: str = ":memory:"
    allow_local_notify: bool = False
    allow_remote_control: bool = False
    magic_amounts: bool = True
    strict: bool = False
    public_url: str = ""


class Sim:
    """Merchants, store, clock, faults and notifier, wired."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """`clock` replaces the real one, which goes on from the offset in the store."""
        self.settings = settings
        self.store = Store(settings.store)
        self.clock = clock or Clock(self.store.setting("clock_offset", 0.0))
        loaded = [keyring.load(folder) for folder in settings.keys]
        self.merchants: dict[str, Merchant] = {merchant.mchid: merchant for merchant in loaded}
        self.apps: dict[str, Merchant] = {merchant.appid: merchant for merchant in loaded}
        self.rate_limiter = RateLimiter(enabled=settings.strict)
        self.faults = FaultRegistry(self.store, magic=settings.magic_amounts)
        self.notifier = Notifier(self.store, self.clock, self.merchants, self.faults)
        self.refunds_due = asyncio.Event()
        for merchant in loaded:
            rotation.load(self.store, self.clock, merchant)
            self._seed_users(merchant)

    def wake(self) -> None:
        """Let the background loops check for due work."""
        self.notifier.wake()
        self.refunds_due.set()

    def advance(self, seconds: float) -> None:
        """Move the sandbox clock forward and store its offset; what becomes due happens at once."""
        self.clock.advance(seconds)
        self.store.remember("clock_offset", self.clock.offset)
        self.wake()

    def _seed_users(self, merchant: Merchant) -> None:
        with self.store.transaction():
            for user in merchant.users:
                self.store.run(
                    "INSERT OR IGNORE INTO user (appid, openid, mobile, nickname) VALUES (?, ?, ?, ?)",
                    merchant.appid,
                    user["openid"],
                    user.get("mobile", ""),
                    user.get("nickname", ""),
                )
