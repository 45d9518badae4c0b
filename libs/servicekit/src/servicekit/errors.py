"""All errors as one tree. Edges translate it: HTTP → RFC 9457, Kafka → SUCCESS / RETRY / DROP, WeChat → FAIL.

Problem
├── InvalidInput          422  a field of the request is wrong; `field` names it
├── Unauthenticated       401
│   └── TokenRefused           there was a token, and it is not valid
├── Forbidden             403
│   └── ReauthenticationRequired
├── NotFound              404
├── Conflict              409  the thing is not in a state in which this may be done
├── TooManyRequests       429
└── Unavailable           503  try again later; nothing was done
    ├── PeerUnavailable        another service, or its sidecar, does not answer
    └── DatabaseUnavailable
Poison                         an event that no retry can apply
"""

from typing import ClassVar

from servicekit.security_log import Kind


class Problem(Exception):
    """A refusal with a status, a number for old clients and a slug under which the user's message is kept.

    Subclasses set `status`, `code` (the source system's numbers below 100100, ours above) and `slug`. `params` fill
    the catalogue's message; those that `members` names are members of the response as well, in camelCase. `detail` is
    for the developer who reads the answer. `security_kind`: what the security log counts it as.
    """

    status: ClassVar[int] = 500
    code: ClassVar[int] = 100001
    slug: ClassVar[str] = "server-error"
    members: ClassVar[tuple[str, ...]] = ()
    security_kind: ClassVar[Kind | None] = None

    def __init__(
        self, detail: str = "", *, field: str | None = None, retry_after: int | None = None, **params: object
    ) -> None:
        super().__init__(detail or self.slug)
        self.detail = detail
        self.field = field
        self.retry_after = retry_after
        self.params = params


class InvalidInput(Problem):
    status, code, slug = 422, 100002, "invalid-input"


class Unauthenticated(Problem):
    status, code, slug = 401, 100003, "unauthenticated"


class TokenRefused(Unauthenticated):
    """Forged, void, or of another issuer. One that is only over is no event: every client comes late one day."""

    security_kind = "token_refused"


class Forbidden(Problem):
    status, code, slug = 403, 100101, "forbidden"
    security_kind: ClassVar[Kind | None] = "forbidden"


class ReauthenticationRequired(Forbidden):
    """An act that moves money, by someone whose last proof of identity is too old."""

    code, slug = 100130, "reauthentication-required"
    security_kind = "reauthentication_refused"


class NotFound(Problem):
    status, code, slug = 404, 100102, "not-found"


class Conflict(Problem):
    status, code, slug = 409, 100103, "conflict"


class TooManyRequests(Problem):
    status, code, slug = 429, 100104, "too-many-requests"


class Unavailable(Problem):
    status, code, slug = 503, 100105, "unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail, retry_after=retry_after)


class PeerUnavailable(Unavailable):
    code, slug = 100106, "peer-unavailable"


class DatabaseUnavailable(Unavailable):
    code, slug = 100005, "database-unavailable"


class Poison(Exception):
    """An event that can never be applied, however often it is redelivered: it goes to the dead letters for an operator."""
