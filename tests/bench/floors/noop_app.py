"""The floor behind a sidecar: an app that answers every call and takes every event without looking at it.

`python -m tests.bench.floors.noop_app PORT`. `GET /count` returns how many events came so far.
"""

import json
import sys
from typing import Any

import uvicorn


class Noop:
    def __init__(self) -> None:
        self.events = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer = json.dumps(self.answer(scope["path"], body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, path: str, body: bytes) -> Any:
        if path == "/count":
            return self.events
        if path == "/events":
            entries = json.loads(body)["entries"]
            self.events += len(entries)
            return {"statuses": [{"entryId": entry["entryId"], "status": "SUCCESS"} for entry in entries]}
        return []


if __name__ == "__main__":
    uvicorn.run(Noop(), port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop", http="httptools")
