"""Texts within a response, in the language of the caller."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from servicekit.messages import Catalogue, preferred_language

CATALOGUE = Catalogue("travel")


async def _translate(request: Request) -> Callable[[str], str]:
    language = preferred_language(request.headers.get("accept-language", ""))
    return lambda slug: CATALOGUE.text(slug, language)


Translate = Annotated[Callable[[str], str], Depends(_translate)]
"""From a slug of messages.toml to its text."""
