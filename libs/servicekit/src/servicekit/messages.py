"""Message catalogues: the user's text for a slug, in Chinese or English. Text lives in `messages.toml`, not in code."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources


class Catalogue:
    """Looks messages up by slug; a service's own file comes before servicekit's."""

    def __init__(self, *packages: str) -> None:
        self._messages: dict[str, dict[str, str]] = {}
        for package in ("servicekit", *packages):
            self._messages |= _messages_of(package)

    def __contains__(self, slug: str) -> bool:
        return slug in self._messages

    def text(self, slug: str, language: str, **params: object) -> str:
        """The message of `slug` in `language` (`zh` or `en`), with `{params}` filled in."""
        entry = self._messages.get(slug) or self._messages["server-error"]
        return entry[language].format_map(_Forgiving(params))


@cache
def _messages_of(package: str) -> Mapping[str, dict[str, str]]:
    return tomllib.loads(resources.files(package).joinpath("messages.toml").read_text("utf-8"))


class _Forgiving(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def preferred_language(accept_language: str) -> str:
    """`zh` unless English is asked for before Chinese (RFC 9110 §12.5.4, q-values honoured, wildcards ignored)."""
    weights: dict[str, float] = {}
    for part in accept_language.split(",")[:16]:
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        try:
            quality = float(parameters.partition("q=")[2] or 1)
        except ValueError:
            quality = 0.0
        if primary in {"zh", "en"}:
            weights[primary] = max(weights.get(primary, 0.0), quality)
    return "en" if weights.get("en", 0.0) > weights.get("zh", 0.0) else "zh"
