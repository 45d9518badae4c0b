"""One delivery attempt of a notification: send what `prepared.py` signed, record the outcome.

Accepted means 200 or 204 within five seconds (wechat-pay-v3.md §3). Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any

import aiohttp

from wechatsim import wire
from wechatsim.clock import Clock
from wechatsim.notify import prepared
from wechatsim.notify.bridge import Bridge
from wechatsim.notify.http_client import HttpClient
from wechatsim.signing.keyring import Merchant
from wechatsim.store import Row

RESPONSE_TIMEOUT_S = 5.0
_KEPT = 4000
_ACCEPTED = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)


class Sender:
    """Sends attempts to their notify_url, or to `wechatsim listen` while it runs."""

    def __init__(self, bridge: Bridge, http: HttpClient) -> None:
        self._bridge = bridge
        self._http = http

    async def deliver(
        self, merchant: Merchant, row: Row, number: int, callback_faults: dict[str, float], clock: Clock
    ) -> list[dict[str, Any]]:
        """Attempt `number` of `row`; returns one attempt record per copy (`callback-doubled` sends several)."""
        copies = int(callback_faults.get("callback-doubled", 1))
        sends = [self._send(merchant, row, number, callback_faults, clock) for _ in range(max(1, copies))]
        return list(await asyncio.gather(*sends))

    async def _send(
        self, merchant: Merchant, row: Row, number: int, callback_faults: dict[str, float], clock: Clock
    ) -> dict[str, Any]:
        body, signed = prepared.prepare(merchant, row["body"], row["plaintext"], number, callback_faults)
        headers = [
            ("User-Agent", "Mozilla/4.0"),
            ("Accept", "*/*"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Pragma", "no-cache"),
            ("Request-ID", wire.request_id()),
            *signed,
        ]
        record = {
            "notification_id": row["id"],
            "n": number,
            "at": clock.now(),
            "real_at": clock.real(),
            "url": row["url"],
            "fault": ",".join(callback_faults),
            "request_headers": json.dumps(dict(headers)),
            "request_body": body,
        }
        began = time.monotonic()
        status, response, error = await self._post(row["url"], headers, body, number, callback_faults)
        return record | {
            "status": status,
            "response_body": response,
            "error": error,
            "duration_ms": round((time.monotonic() - began) * 1000),
            "accepted": int(status in _ACCEPTED),
        }

    async def _post(
        self, url: str, headers: wire.Headers, body: bytes, number: int, callback_faults: dict[str, float]
    ) -> tuple[int | None, str, str]:
        if number <= callback_faults.get("callback-5xx", 0):
            return HTTPStatus.BAD_GATEWAY, "", "fault callback-5xx: not sent"
        slow = callback_faults.get("callback-slow", 0.0) if number == 1 else 0.0
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S + slow):
                if self._bridge.listening():
                    status, response = await self._bridge.forward(url, headers, body)
                else:
                    status, response = await self._http.post(url, headers, body, pause=slow)
        except TimeoutError:
            return None, "", f"no response within {RESPONSE_TIMEOUT_S:.0f} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, "", f"{type(error).__name__}: {error}"
        return status, response.decode(errors="replace")[:_KEPT], ""
