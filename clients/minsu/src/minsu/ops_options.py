"""What the commands of `minsu ops` share: options, and the operator's session."""

from typing import Annotated

import typer

from minsu import settings
from minsu.api import Api
from minsu.operator_session import OperatorSession

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
    api = Api(chosen.gateway_url, language=chosen.language)
    session(chosen).enter(api)
    return api


def session(chosen: settings.Settings) -> OperatorSession:
    return OperatorSession(
        url=chosen.gateway_url,
        account=chosen.account("OPERATOR"),
        file=chosen.session_file,
        totp_secret=chosen.operator_totp_secret,
        ask=ask_for_code,
    )


def ask_for_code() -> str:
    return str(typer.prompt("Code of your authenticator, or a recovery code", err=True)).strip()
