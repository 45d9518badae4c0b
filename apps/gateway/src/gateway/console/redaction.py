"""Masks what is personal or secret in a text that a page quotes as it came, such as an event or a notice.

By the names of members, at any depth, with all that such a member holds; in texts and numbers also whatever looks like a
mobile number, an identity card's or an openid. What is no JSON is masked as text.
"""

import json
import re
from typing import Any

from servicekit.openids import OPENID

MASK = "***"
LONGEST = 8000
_NAMES = re.compile(
    r"openid|unionid|mobile|phone|tel$|name$|account|card|bank|payer|address|email|token|secret|password|key$|code$|signature"
    r"|nonce|ciphertext|contact|id_?(no|number)$|identity",
    re.IGNORECASE,
)
_HARMLESS = frozenset({"partitionkey", "errcode", "bankcode", "topicname", "pubsubname"})
_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_IDENTITY_CARD = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")


def redacted(text: str) -> str:
    """`text` as indented JSON if it is some, at most 8000 characters of it."""
    try:
        shown = json.dumps(_masked(json.loads(text)), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        shown = _of_text(text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


def _masked(value: Any, *, whole: bool = False) -> Any:
    """`whole`: value is that of a member whose name says that it is personal or secret."""
    if isinstance(value, dict):
        return {name: _masked(inner, whole=whole or _is_personal(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, whole=whole) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if whole:
        return MASK
    text = _of_text(str(value))
    return text if isinstance(value, str) or text != str(value) else value


def _is_personal(name: str) -> bool:
    return name.lower() not in _HARMLESS and bool(_NAMES.search(name))


def _of_text(text: str) -> str:
    return _MOBILE.sub(r"\1****\2", OPENID.sub(MASK, _IDENTITY_CARD.sub(MASK, text)))
