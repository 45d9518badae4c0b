"""Renders the storefront's pages: a shell in the reader's language; the browser fills it through the public API."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from gateway.settings import Settings
from servicekit.messages import preferred_language

DESK_PAGES = "host"
"""How the names of the host desk's pages begin: their texts are in a catalogue of their own, which guests need not load."""
LANGUAGES = {"zh": "zh-CN", "en": "en"}
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language, Cookie",
}


def new_environment() -> Environment:
    """Jinja for the gateway's templates: all is escaped, and a name that is not there is an error."""
    return Environment(
        loader=PackageLoader("gateway"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Storefront:
    """`assets` is the address under which the pages find their files."""

    def __init__(self, settings: Settings, *, assets: str) -> None:
        self._settings, self._assets = settings, assets
        self._words = {language: _catalogue(f"{language}.toml") for language in LANGUAGES}
        self._desk_words = {
            language: _merged(self._words[language], _catalogue(f"desk.{language}.toml")) for language in LANGUAGES
        }
        self._pages = new_environment()

    def language(self, chosen: str | None, accept_language: str) -> str:
        """What the reader has chosen, else what the browser asks for, else Chinese."""
        return chosen if chosen in LANGUAGES else preferred_language(accept_language)

    def page(self, name: str, *, language: str, about: Mapping[str, Any] | None = None) -> str:
        """The HTML of page `name`; `about` says which homestay or order it is of."""
        words = (self._desk_words if name.startswith(DESK_PAGES) else self._words)[language]
        browser = {
            "language": LANGUAGES[language],
            "words": words["browser"],
            "cashierUrl": self._settings.cashier_url,
            "publicUrl": self._settings.public_url.rstrip("/"),
            **(about or {}),
        }
        return self._pages.get_template(f"{name}.html").render(
            page=name,
            t=words["page"],
            html_language=LANGUAGES[language],
            other_language="en" if language == "zh" else "zh",
            assets=self._assets,
            demo=self._settings.demo,
            sandbox=bool(self._settings.cashier_url),
            browser=browser,
        )


def _catalogue(file: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("gateway").joinpath("locale", file).read_text("utf-8"))


def _merged(one: dict[str, dict[str, str]], other: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {section: one[section] | other[section] for section in one}
