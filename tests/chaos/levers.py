"""How each fault is done to a running machine, and undone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from tests.chaos import books
from tests.chaos.client import Client
from tests.chaos.dice import dice
from tests.chaos.disk import Disk
from tests.chaos.faults import Fault
from tests.chaos.journal import Journal
from tests.chaos.machine import PROXIED, Machine
from tests.chaos.proxy import Mood

TOPICS = (
    "payment-update-paystatus-topic", "order-update-tradestate-topic", "order-update-refund-topic",
    "order-refund-requested-topic", "payment-refund-failed-topic", "order-nights-topic",
)  # fmt: skip
MOODS = {"cut": Mood.CUT, "stall": Mood.STALL, "slow": Mood.SLOW}
LONGEST_JUMPS = 900
"""Seconds that the sandbox's clock may gain in one run: beyond the time to pay it would refuse every new payment."""


class Levers:
    def __init__(self, machine: Machine, client: Client, disk: Disk, journal: Journal, seed: int) -> None:
        self._machine, self._client, self._disk, self._journal = machine, client, disk, journal
        self._rng = dice(seed, "levers")
        self._jumped = 0
        self._levers: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "kill": self._kill,
            "pause": self._pause,
            "cut": self._network,
            "stall": self._network,
            "slow": self._network,
            "broker refuses": self._broker_refuses,
            "publish again": self._publish_again,
            "clock jumps": self._clock,
            "disk full": self._disk_full,
            "wechat": self._wechat,
        }

    async def pull(self, fault: Fault) -> None:
        """Returns when it is over; the journal has its beginning, and as `fault` only what was done to its end."""
        began = self._journal.now()
        self._journal.write("fault-begins", kind=fault.kind, target=fault.target, seconds=round(fault.seconds, 2))
        try:
            await self._levers[fault.kind](fault)
        except Exception as error:  # noqa: BLE001 - a lever that fails is told of, and the run goes on
            self._journal.write("lever-failed", fault=fault.name, why=f"{type(error).__name__}: {error}"[:300])
        else:
            self._journal.write("fault", kind=fault.kind, target=fault.target, began=began)

    async def heal(self) -> None:
        """Undo whatever may still be in force, and bring everything back."""
        for name in self._machine.names:
            self._machine.resume(name)
        for name in PROXIED:
            self._machine.network.become(name, Mood.OPEN)
        self._disk.free()
        # All at once: an app is ready when its sidecar is, and a sidecar when it has its broker.
        await asyncio.gather(*(asyncio.to_thread(self._machine.revive, name) for name in self._machine.names))
        await asyncio.to_thread(self._limit_messages, None)
        await self._client.sim("POST", "/_sim/faults/clear", {})

    async def _kill(self, fault: Fault) -> None:
        await asyncio.to_thread(self._machine.kill, fault.target)
        await asyncio.sleep(self._rng.uniform(0.1, 2.0))
        await asyncio.to_thread(self._machine.revive, fault.target)

    async def _pause(self, fault: Fault) -> None:
        self._machine.pause(fault.target)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._machine.resume(fault.target)

    async def _network(self, fault: Fault) -> None:
        self._machine.network.become(fault.target, MOODS[fault.kind], fault.more.get("delay", 0.0))
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._machine.network.become(fault.target, Mood.OPEN)

    async def _broker_refuses(self, fault: Fault) -> None:
        """Kafka answers and takes nothing: every message is too large for it."""
        await asyncio.to_thread(self._limit_messages, "1")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await asyncio.to_thread(self._limit_messages, None)

    def _limit_messages(self, limit: str | None) -> None:
        for attempt in range(20):
            try:
                admin = KafkaAdminClient(**self._machine.broker.login(), bootstrap_timeout_ms=3000)
                try:
                    config: dict[str, Any] = {"max.message.bytes": limit or ("DELETE", None)}
                    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config) for name in TOPICS])
                finally:
                    admin.close()
            except KafkaError:
                if attempt == 19:  # another fault may have taken the broker away
                    raise
            else:
                return

    async def _publish_again(self, fault: Fault) -> None:
        """The relay died between publishing and writing that down: its latest events go out a second time."""
        again = (
            "update outbox set published_at = null where id in"
            " (select id from outbox where published_at is not null order by id desc limit 12)"
        )
        for _ in range(20):  # another fault may have taken the database away
            try:
                await asyncio.to_thread(books.rows, self._machine.real_url(fault.target), again)
            except psycopg.Error:
                await asyncio.sleep(0.5)
            else:
                return
        raise TimeoutError("the database did not come back")

    async def _clock(self, fault: Fault) -> None:
        by = min(fault.more["by"], LONGEST_JUMPS - self._jumped)
        if by > 0:
            self._jumped += by
            await self._client.sim("POST", "/_sim/clock/advance", {"seconds": by})

    async def _disk_full(self, fault: Fault) -> None:
        self._disk.fill()
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._disk.free()

    async def _wechat(self, fault: Fault) -> None:
        body = {"name": fault.target, "times": fault.more["times"], "value": fault.more["value"]}
        await self._client.sim("POST", "/_sim/faults/set", body)
