"""notification's connection to WeChat's mini program API, played."""

from dataclasses import dataclass


@dataclass
class Answering:
    """Responds 200 with `content` to everything."""

    content: bytes

    async def post(self, _path: str, _body: bytes, _access_token: str | None) -> tuple[int, bytes]:
        return 200, self.content

    async def close(self) -> None:
        """Nothing is open."""
