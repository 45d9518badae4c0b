"""A service that takes files, in a process of its own: /upload for signed-in users, /page for visitors; /token is a token.

`python -m tests.service.servicekit.served_uploads`.
"""

from typing import ClassVar

from fastapi import APIRouter, FastAPI, Request, Response

from servicekit import app, serving
from servicekit.clock import utc_now
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar
from servicekit.testing import Tokens
from servicekit.uploads import Upload

MOST_BYTES = 500_000
TOKENS = Tokens()
router = APIRouter()


class Settings(ServiceSettings):
    uploads: ClassVar[tuple[Upload, ...]] = (Upload("/upload", member="image", most_bytes=MOST_BYTES),)


@router.post("/upload")
@router.post("/page")
async def take(request: Request) -> Response:
    return Response(str(len(await request.body())))


@router.get("/token")
async def token() -> Response:
    return Response(TOKENS.bearer(1)["Authorization"])


def create_app(settings: Settings, sidecar: Sidecar | None = None) -> FastAPI:
    return app.build(
        "travel",
        settings,
        routers=[router],
        sidecar=sidecar or Sidecar.of(settings),
        verifier=TOKENS.verifier(),
        clock=utc_now,
        max_body_bytes=100_000,
    )


if __name__ == "__main__":
    serving.serve_app("travel", Settings.load(), create_app)
