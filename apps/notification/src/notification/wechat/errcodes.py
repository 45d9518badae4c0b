"""WeChat's numbers, sorted by what they ask of us. Every error comes as HTTP 200 with `errcode` in the body."""

OK = 0
TOKEN_IS_STALE = frozenset({40001, 40014, 42001})
"""The access token is invalid, not the latest, or expired: nothing was done; a new one helps."""

PERMANENT = frozenset(
    {
        40003,  # the openid is none of this mini program's
        40037,  # no such template
        41030,  # no such page
        43101,  # the user does not accept this message
        47003,  # a value does not fit its field
    }
)
"""No retry mends these. What is not listed here may pass: -1 busy, 45009 quota, and numbers that we have not met."""
