"""Whether WeChat accepts a notify_url: https, public, no query (wechat-pay-v3.md §2.1, §8)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_LOCAL_SUFFIXES = (".local", ".localhost", ".internal", ".lan")


def problem(url: str, *, allow_local: bool) -> str:
    """Why `url` is refused, in Chinese, or "" when it is accepted.

    `allow_local` also accepts http and private or loopback hosts.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return "不是合法的URL"
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        return "需要以https://开头"
    if not host or port == 0 or any(char.isspace() for char in url):
        return "不是合法的URL"
    if "?" in url or "#" in url:
        return "不能携带参数"
    if not allow_local and not _public(host):
        return "需要外网可访问的地址"
    return ""


def _public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        name = host.lower().rstrip(".")
        return "." in name and not name.endswith(_LOCAL_SUFFIXES)
