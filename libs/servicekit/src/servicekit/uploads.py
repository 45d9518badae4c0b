"""Requests with a file in them: paths that take larger bodies, and give them more time to arrive the more of them is here.

A service names them in its settings class (`uploads`), the gateway in its own as well: the limits hold at both.
"""

from dataclasses import dataclass

BYTES_PER_SECOND = 64 * 1024
"""What a connection must keep up on average after `arrive_seconds`: a phone does, a client that only holds us does not."""


@dataclass(frozen=True)
class Upload:
    """POST `path` takes at most `most_bytes` in all, nearly all of it in the member `member`, from signed-in users."""

    path: str
    member: str
    most_bytes: int
