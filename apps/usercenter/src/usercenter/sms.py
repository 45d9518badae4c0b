"""Text messages, through the Dapr output binding `sms`: the sandbox on a laptop, a provider in production."""

from servicekit.messages import Catalogue
from servicekit.sidecar import Sidecar

BINDING = "sms"


class TextMessages:
    def __init__(self, sidecar: Sidecar, catalogue: Catalogue) -> None:
        self._sidecar, self._catalogue = sidecar, catalogue

    async def send(self, mobile: str, code: str, *, minutes: int) -> None:
        """The binding gets mobile and code for a provider's template, and the whole text for one without. Raises
        PeerUnavailable."""
        text = self._catalogue.text("mobile-code-message", "zh", code=code, minutes=minutes)
        await self._sidecar.invoke_binding(BINDING, "post", {"mobile": mobile, "code": code, "text": text})
