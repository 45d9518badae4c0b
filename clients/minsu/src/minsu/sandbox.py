"""What happens inside WeChat, played at the sandbox: the buyer taps "pay", and messages arrive on the phone."""

from collections.abc import Mapping
from typing import Any

import httpx

from minsu.errors import CommandFailed

PATIENCE_SECONDS = 30.0


class Sandbox:
    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._url, self._transport = url, transport

    def request_payment(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """wx.requestPayment with what the API answered; the sandbox checks its signature before it takes the money."""
        return self._call(
            "POST",
            "/_sim/request-payment",
            {
                "appId": parameters["appid"],
                "timeStamp": parameters["timestamp"],
                "nonceStr": parameters["nonceStr"],
                "package": parameters["package"],
                "signType": parameters["signType"],
                "paySign": parameters["paySign"],
            },
        )

    def messages(self, openid: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"/_sim/messages?openid={openid}")["messages"]
        return found

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False, transport=self._transport) as http:
                answer = http.request(method, self._url + path, json=body)
            content = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise CommandFailed(
                f"no WeChat sandbox responds at {self._url}: {error or type(error).__name__}", "set WECHATSIM_URL"
            ) from None
        if not answer.is_success or not isinstance(content, dict):
            reason = content.get("message", answer.text) if isinstance(content, dict) else answer.text
            raise CommandFailed(f"WeChat's sandbox refused: {reason}")
        return content
