"""Names of metrics: those that a PromQL expression is about, and those that a page of /metrics has samples of."""

import re

_STRING, _MATCHERS, _GROUPING = (
    r'"[^"]*"',
    r"\{[^}]*\}",
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)",
)
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_][\w:]*)(?!\s*\()\b")
_WORDS = {"and", "or", "unless", "offset", "bool"}


def names_in(expression: str) -> set[str]:
    """Metrics that the expression reads, as they are written: `…_bucket`, `…_total`."""
    bare = re.sub(_GROUPING, "", re.sub(_MATCHERS, "", re.sub(_STRING, "", expression)))
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", "", bare)
    return {name for name in _NAME.findall(bare) if name not in _WORDS}


def samples_of(page: str) -> set[str]:
    """Names of the samples, those of a histogram with their `_bucket`, `_count` and `_sum`."""
    lines = (line for line in page.splitlines() if line and not line.startswith("#"))
    return {re.split(r"[{ ]", line, maxsplit=1)[0] for line in lines}


def families_of(page: str) -> set[str]:
    """Names as docs/metrics.md has them: a histogram once, a counter with its `_total`."""
    types = (line.split() for line in page.splitlines() if line.startswith("# TYPE "))
    return {name for _, _, name, _kind in types}
