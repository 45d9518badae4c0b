"""Calls of the control API of a running sandbox."""

from __future__ import annotations

import os
from typing import Any

import httpx

from wechatsim.cli import output

DEFAULT_URL = "http://127.0.0.1:8090"
_LIMIT_S = 30.0


def server_url(url: str | None) -> str:
    """--url, then WECHATSIM_URL, then WXPAY_BASE_URL, then the default port on this machine."""
    found = url or os.environ.get("WECHATSIM_URL") or os.environ.get("WXPAY_BASE_URL") or DEFAULT_URL
    return found.rstrip("/")


def call(
    url: str | None,
    method: str,
    path: str,
    content: dict[str, Any] | None = None,
    *,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One control request; returns its JSON object. Exits with a message when the request fails."""
    base = server_url(url)
    try:
        with httpx.Client(trust_env=False, timeout=_LIMIT_S) as http:
            response = http.request(method, base + path, params=query, json=content if method == "POST" else None)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        output.fail(
            f"no sandbox responds at {base} ({error})", "start one with `wechatsim serve --keys DIR`, or give --url"
        )
    try:
        body = response.json()
    except ValueError:
        output.fail(f"{base} is not a wechatsim: {path} answered HTTP {response.status_code}", "check --url")
    if response.is_error:
        output.fail(f"{body.get('message', response.text)} ({body.get('error', response.status_code)})")
    found: dict[str, Any] = body
    return found
