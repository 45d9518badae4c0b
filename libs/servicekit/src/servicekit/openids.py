"""WeChat's openids, where people read a text that may quote one."""

import re

OPENID = re.compile(r"(?<![\w-])o(?=[a-z\d_-]*[A-Z])[\w-]{27}(?![\w-])", re.ASCII)
"""28 characters; a capital letter at least, which no topic's name has."""


def shorten_openids(text: str) -> str:
    """`text` with every openid cut to its first four characters: enough to compare two of them."""
    return OPENID.sub(lambda found: f"{found[0][:4]}…", text)
