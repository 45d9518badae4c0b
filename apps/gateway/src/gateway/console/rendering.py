"""Renders the console's templates, in Chinese or English. Texts: `locale/console/<page>.<language>.toml` over `base`'s."""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from gateway.storefront import LANGUAGES, new_environment
from servicekit.clock import SHANGHAI
from servicekit.money import yuan_text

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}
ORDER_NUMBER = re.compile(r"(?<!\w)HSO[0-9]{22}(?!\w)", re.ASCII)
Texts = Mapping[str, str]


class Renderer:
    """`assets` is the address under which pages find their files."""

    def __init__(self, assets: str) -> None:
        self._assets = assets
        self._texts: dict[tuple[str, str], Texts] = {}
        self._pages = new_environment()
        self._pages.filters |= {"linked": linked, "moment": moment, "pause": pause, "yuan": yuan_text}

    def texts(self, page: str, language: str) -> Texts:
        """The texts of `page` in `language` (`zh`, `en`): its own and those that all pages have."""
        if (page, language) not in self._texts:
            self._texts[page, language] = _catalogue("base", language) | _catalogue(page, language)
        return self._texts[page, language]

    def html(self, page: str, texts: str, language: str, values: Mapping[str, Any]) -> str:
        """The HTML of `templates/console/<page>.html`, with the texts of `texts`."""
        return self._pages.get_template(f"console/{page}.html").render(
            page=page,
            t=self.texts(texts, language),
            html_language=LANGUAGES[language],
            other_language="en" if language == "zh" else "zh",
            assets=self._assets,
            **values,
        )


def linked(text: str) -> Markup:
    """`text`, escaped, in which every number of an order leads to its payment."""
    return Markup(ORDER_NUMBER.sub(r'<a href="/console/payments/\g<0>">\g<0></a>', str(escape(text))))  # noqa: S704 - escaped


def moment(when: str | datetime | None) -> str:
    """A time of an API (ISO 8601, UTC) as people in China read it, to the millisecond; a dash for none."""
    if not when:
        return "–"
    at = (datetime.fromisoformat(when) if isinstance(when, str) else when).astimezone(SHANGHAI)
    shown = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), shown)


def pause(gap: timedelta | None) -> str:
    """How long after the step before: `+0.120 s`, `+2 min 5 s`, `+3 h 4 min`, `+2 d 3 h`; empty for none."""
    if gap is None:
        return ""
    seconds = gap.total_seconds()
    if seconds < 60:
        return f"+{seconds:.3f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"+{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"+{hours} h {minutes} min" if hours < 24 else f"+{hours // 24} d {hours % 24} h"


def _catalogue(page: str, language: str) -> dict[str, str]:
    file = resources.files("gateway").joinpath("locale", "console", f"{page}.{language}.toml")
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
