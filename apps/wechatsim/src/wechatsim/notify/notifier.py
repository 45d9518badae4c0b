"""The notification queue: encrypted once, signed anew at each attempt, retried on WeChat's schedule (wechat-pay-v3.md §3).

Due times are sandbox time, so advancing the clock makes retries due; signatures use real time. Pending
notifications are in the store and continue after a restart.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from wechatsim import wire
from wechatsim.clock import Clock, rfc3339
from wechatsim.faults import FaultRegistry
from wechatsim.notify.attempt import Sender
from wechatsim.notify.bridge import Bridge
from wechatsim.notify.http_client import HttpClient
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.store import Row, Store

# Waits after attempt 1, 2, …: 24 h 4 min in all.
SCHEDULE_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
_AT_ONCE = 64
_log = logging.getLogger("wechatsim.notifier")
_SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}


class Notifier:
    """Call `enqueue` inside a transaction and `wake` after it; `run` is the background loop."""

    def __init__(self, store: Store, clock: Clock, merchants: Mapping[str, Merchant], faults: FaultRegistry) -> None:
        self._store = store
        self._clock = clock
        self._merchants = merchants
        self._faults = faults
        self.bridge = Bridge()
        self._wake = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._wake.set()

    def enqueue(
        self,
        merchant: Merchant,
        event_type: str,
        url: str,
        plaintext: dict[str, Any],
        *,
        out_trade_no: str,
        out_refund_no: str = "",
        total: int = 0,
        callback_faults: Mapping[str, float] | None = None,
    ) -> str:
        """Write one notification to the store; returns its id.

        `total` (fen) selects magic amounts; `callback_faults`, when given, are its callback-* faults instead of those.
        """
        if callback_faults is None:
            callback_faults = self._faults.callbacks(f"{event_type} {out_trade_no} {out_refund_no}", total)
        now = self._clock.now()
        state = _first_state(callback_faults)
        ident = str(uuid.uuid4())
        text = wire.dumps(plaintext)
        self._store.insert(
            "notification",
            id=ident,
            mchid=merchant.mchid,
            event_type=event_type,
            out_trade_no=out_trade_no,
            out_refund_no=out_refund_no,
            url=url,
            plaintext=text.decode(),
            body=envelope(ident, event_type, now, merchant.apiv3_key, text),
            tamper=json.dumps(callback_faults) if callback_faults else "",
            state=state,
            created_at=now,
            next_at=now + callback_faults.get("callback-late", 0.0) if state == "PENDING" else None,
        )
        if state == "HELD":
            self._release(int(callback_faults["callback-reordered"]))
        return ident

    def _release(self, wanted: int) -> None:
        held = self._store.all("SELECT id FROM notification WHERE state = 'HELD' ORDER BY seq DESC")
        if len(held) < wanted:
            return
        now = self._clock.now()
        for place, row in enumerate(held):
            # A quarter of a second apart, so that they also arrive in this order.
            self._store.run(
                "UPDATE notification SET state = 'PENDING', next_at = ? WHERE id = ?", now + place / 4, row["id"]
            )

    def release_held(self) -> None:
        """Send what `callback-reordered` still holds."""
        self._release(0)
        self.wake()

    def resend(self, ident: str, url: str = "") -> bool:
        """Send a notification again now, to `url` or to its old URL; False when it does not exist."""
        found = self._store.run(
            "UPDATE notification SET state = 'PENDING', next_at = ?, tamper = '',"
            " url = CASE WHEN ? = '' THEN url ELSE ? END WHERE id = ?",
            self._clock.now(),
            url,
            url,
            ident,
        )
        self.wake()
        return found == 1

    async def run(self) -> None:
        """Send what is due until cancelled; then wait for the attempts in progress, so that they are recorded."""
        self._store.run(
            "UPDATE notification SET next_at = ? WHERE state = 'PENDING' AND next_at < ?",
            self._clock.now(),
            self._clock.now(),
        )
        try:
            async with HttpClient() as http:
                sender = Sender(self.bridge, http)
                try:
                    while True:
                        await self._step(sender)
                finally:
                    await asyncio.gather(*self._running.values(), return_exceptions=True)
        except asyncio.CancelledError:
            _log.info("notifier stopped")
            raise

    async def _step(self, sender: Sender) -> None:
        self._wake.clear()
        free = _AT_ONCE - len(self._running)
        # Ids only, from the index: under load this runs once per notification.
        pending = self._store.all(
            "SELECT id, next_at FROM notification WHERE state = 'PENDING' ORDER BY next_at LIMIT ?",
            _AT_ONCE + 1 if free else 0,
        )
        now = self._clock.now()
        waits = []
        for row in pending:
            if row["id"] in self._running:
                continue
            if row["next_at"] > now:
                waits.append(row["next_at"] - now)
                break
            if free <= 0:
                break
            free -= 1
            task = asyncio.create_task(self._attempt(sender, row["id"]))
            self._running[row["id"]] = task
            task.add_done_callback(partial(self._finished, row["id"]))
        try:
            async with asyncio.timeout(min(waits) if waits else None):
                await self._wake.wait()
        except TimeoutError:
            return

    def _finished(self, ident: str, task: asyncio.Task[None]) -> None:
        self._running.pop(ident, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("notification %s failed inside the sandbox", ident, exc_info=task.exception())
        self._wake.set()

    async def _attempt(self, sender: Sender, ident: str) -> None:
        row = self._store.one("SELECT * FROM notification WHERE id = ?", ident)
        merchant = self._merchants.get(row["mchid"]) if row else None
        if row is None or merchant is None:
            self._store.run("UPDATE notification SET state = 'LOST', next_at = NULL WHERE id = ?", ident)
            return
        number = row["attempts"] + 1
        callback_faults: dict[str, float] = json.loads(row["tamper"]) if row["tamper"] else {}
        outcomes = await sender.deliver(merchant, row, number, callback_faults, self._clock)
        accepted = any(outcome["accepted"] for outcome in outcomes)
        with self._store.transaction():
            for outcome in outcomes:
                self._store.insert("attempt", **outcome)
            self._record_outcome(row, number, callback_faults, accepted=accepted)

    def _record_outcome(self, row: Row, number: int, callback_faults: dict[str, float], *, accepted: bool) -> None:
        state, next_at, tamper = "PENDING", None, row["tamper"]
        if accepted and "callback-again" in callback_faults:
            next_at = self._clock.now() + callback_faults["callback-again"]
            tamper = ""
        elif accepted:
            state = "DELIVERED"
        elif number > len(SCHEDULE_S):
            state = "EXHAUSTED"
        else:
            # Counted from the due time, so that one jump of the clock runs through the whole schedule.
            next_at = row["next_at"] + SCHEDULE_S[number - 1]
        self._store.run(
            "UPDATE notification SET state = ?, next_at = ?, attempts = ?, tamper = ? WHERE id = ?",
            state,
            next_at,
            number,
            tamper,
            row["id"],
        )


def _first_state(callback_faults: Mapping[str, float]) -> str:
    if "callback-lost" in callback_faults:
        return "LOST"
    return "HELD" if "callback-reordered" in callback_faults else "PENDING"


def envelope(ident: str, event_type: str, created_at: float, apiv3_key: str, plaintext: bytes) -> bytes:
    """The notification's body: members in WeChat's order, `plaintext` encrypted (wechat-pay-v3.md §3, §5)."""
    original = event_type.partition(".")[0].lower()
    nonce, ciphertext = crypto.gcm_encrypt(apiv3_key, plaintext, original)
    return wire.dumps(
        {
            "id": ident,
            "create_time": rfc3339(created_at),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": _SUMMARIES[event_type],
            "resource": {
                "original_type": original,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": ciphertext,
                "associated_data": original,
                "nonce": nonce,
            },
        }
    )
