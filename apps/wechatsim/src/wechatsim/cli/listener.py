"""`wechatsim listen`: poll the sandbox, forward each notification, return the response."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Any

import httpx
import typer

from wechatsim.cli import control_client, output

_POLL_LIMIT_S = 40.0
_RESPONSE_TIMEOUT_S = 5.0
_RETRY_S = 1.0


def _forward(http: httpx.Client, target: str, forwarded: dict[str, Any]) -> tuple[int, str]:
    try:
        response = http.post(
            target,
            content=forwarded["body"].encode(),
            headers=[(name, value) for name, value in forwarded["headers"]],
            timeout=_RESPONSE_TIMEOUT_S,
        )
    except httpx.HTTPError as error:
        return HTTPStatus.BAD_GATEWAY, f"{type(error).__name__}: {error}"
    return response.status_code, response.text


def run(url: str | None, target: str, *, as_json: bool) -> None:
    """Forward to `target` until Ctrl-C or SIGTERM; one line per notification on stdout."""
    base = control_client.server_url(url)
    control_client.call(url, "GET", "/_sim/healthz")
    try:
        output.info(f"forwarding every notification of {base} to {target} · Ctrl-C ends")
        with httpx.Client(trust_env=False, timeout=_POLL_LIMIT_S) as http:
            while True:
                _once(http, base, target, as_json=as_json)
    except KeyboardInterrupt:
        output.info("stopped")


def _once(http: httpx.Client, base: str, target: str, *, as_json: bool) -> None:
    try:
        polled = http.get(f"{base}/_sim/listen")
        if polled.status_code != HTTPStatus.OK:
            return
        forwarded = polled.json()
        status, body = _forward(http, target, forwarded)
        http.post(f"{base}/_sim/listen/{forwarded['ticket']}", json={"status": status, "body": body[:4000]})
    except httpx.HTTPError as error:
        output.info(f"the sandbox does not respond ({error}); trying again")
        time.sleep(_RETRY_S)
        return
    event = json.loads(forwarded["body"])
    line = {"id": event["id"], "event_type": event["event_type"], "status": status, "body": body}
    typer.echo(json.dumps(line, ensure_ascii=False) if as_json else f"{event['event_type']}  {event['id']}  → {status}")
