"""The storefront's files, with cache rules: under `/static/v-<version>/…` for ever, under `/static/…` for an hour.

The version is a digest of all files, and sits in the path so that modules importing one another stay together.
"""

import hashlib
from importlib import resources
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ROOT = Path(str(resources.files("gateway"))) / "static"
FOR_EVER = "public, max-age=31536000, immutable"
AN_HOUR = "public, max-age=3600"


class Assets(StaticFiles):
    def __init__(self, root: Path = ROOT) -> None:
        super().__init__(directory=root)
        self.version = _version(root)

    @property
    def base(self) -> str:
        return f"/static/v-{self.version}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Another replica's version is answered with ours, so a roll-out never shows a page without its style."""
        version, _, rest = path.partition("/")
        versioned = version.startswith("v-")
        response = await super().get_response(rest if versioned else path, scope)
        current = versioned and version == f"v-{self.version}"
        response.headers["Cache-Control"] = FOR_EVER if current else AN_HOUR
        response.headers["X-Content-Type-Options"] = "nosniff"
        if response.headers.get("content-type") == "image/svg+xml":  # Starlette says a charset of text/ alone
            response.headers["Content-Type"] = "image/svg+xml; charset=utf-8"
        # A picture opened by itself must not run anything.
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
        )
        return response


def _version(root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:12]
