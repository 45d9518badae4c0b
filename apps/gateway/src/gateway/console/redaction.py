"""Masks what is personal or secret in a text that a page quotes as it came, such as an event or a notice.

By the names of members, at any depth; in texts also whatever looks like a mobile number. What is no JSON is masked as text.
"""

import json
import re
from typing import Any

MASK = "***"
LONGEST = 8000
_NAMES = re.compile(
    r"openid|unionid|mobile|phone|tel$|name$|account|card|bank|payer|address|email|token|secret|password|key$|code$|signature"
    r"|nonce|ciphertext",
    re.IGNORECASE,
)
_HARMLESS = frozenset({"partitionkey", "errcode", "bankcode", "topicname", "pubsubname"})
_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


def redacted(text: str) -> str:
    """`text` as indented JSON if it is some, at most 8000 characters of it."""
    try:
        shown = json.dumps(_masked(json.loads(text)), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        shown = _of_text(text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {member: _masked(inner, member) for member, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, name) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if name.lower() not in _HARMLESS and _NAMES.search(name):
        return MASK
    return _of_text(value) if isinstance(value, str) else value


def _of_text(text: str) -> str:
    return _MOBILE.sub(r"\1****\2", text)
