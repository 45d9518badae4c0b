"""Requests in absolute form, as a proxy receives them: `GET http://api.mch.weixin.qq.com/v3/… HTTP/1.1`.

Some SDKs sign requests to WeChat's own host only, but accept an HTTP proxy: the sandbox is then both. The signature
covers path and query, so the rest of the target is removed before routing.
"""

from __future__ import annotations

_SCHEME = b"http://"


def of(target: bytes) -> bytes:
    """The target of a request line from its path on, `/` where it has none."""
    if not target.startswith(_SCHEME):
        return target
    _, slash, path = target[len(_SCHEME) :].partition(b"/")
    return b"/" + path if slash else b"/"
