"""The other services behind a service under test: what they respond is as these publish it."""

import httpx

from servicekit.testing import Answer, FakeSidecar
from tests.support.published import require_as_published


class PublishedPeers(FakeSidecar):
    """A success that the service would not respond with (contracts/openapi) raises AssertionError at the call."""

    def __init__(self) -> None:
        super().__init__()
        self._differing: list[Answer] = []

    def let_differ(self, app_id: str, path: str) -> None:
        """What `path` was last told to respond may be anything: a peer with a bug, or of another version."""
        self._differing.append(self.answers[app_id, path])

    async def invoke(self, app_id, method, path, **parts) -> httpx.Response:
        answer = self.answers.get((app_id, path))
        response = await super().invoke(app_id, method, path, **parts)
        if response.status_code == 200 and answer not in self._differing:
            require_as_published(app_id, path, response.json())
        return response
