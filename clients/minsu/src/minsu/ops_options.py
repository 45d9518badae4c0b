"""What the commands of `minsu ops` share: options, and the operator's session."""

from typing import Annotated

import typer

from minsu import settings
from minsu.api import Api

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; amounts in fen.")]
Count = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
OlderThan = Annotated[int | None, typer.Option("--older-than", min=0, help="Only those that are older; in seconds.")]


def _said(note: str) -> str:
    """Raises BadParameter for a blank one: services refuse it too."""
    if not note.strip():
        raise typer.BadParameter("say why")
    return note


Why = Annotated[str, typer.Option("--note", callback=_said, help="Why; kept with your name and the time.")]
"""Every command that changes something needs it."""
WhyLook = Annotated[str | None, typer.Option("--note", help="Why; kept with your name and the time.")]
"""Of commands that look at what is held of a person."""


def operator() -> Api:
    """Signed in as the operator of the settings. Raises CommandFailed."""
    chosen = settings.load()
    account = chosen.account("OPERATOR")
    api = Api(chosen.gateway_url, language=chosen.language)
    api.sign_in(account)
    return api
