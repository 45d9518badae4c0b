"""Sends text messages by the Dapr output binding `sms`: to the sandbox on a laptop, to a provider in production."""

from dataclasses import dataclass

from servicekit.messages import Catalogue
from servicekit.sidecar import Sidecar

BINDING = "sms"


@dataclass(kw_only=True, eq=False)
class TextMessages:
    sidecar: Sidecar
    catalogue: Catalogue

    async def send(self, mobile: str, code: str, *, minutes: int) -> None:
        """The binding gets mobile and code, for providers with templates, and the whole text for others. Raises
        PeerUnavailable."""
        text = self.catalogue.text("mobile-code-message", "zh", code=code, minutes=minutes)
        await self.sidecar.invoke_binding(BINDING, "post", {"mobile": mobile, "code": code, "text": text})
