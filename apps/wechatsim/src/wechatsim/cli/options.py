"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wechatsim.cli import control_client

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="The sandbox. Default: $WECHATSIM_URL, $WXPAY_BASE_URL, " + control_client.DEFAULT_URL),
]
GROUP: dict[str, Any] = {"no_args_is_help": True, "rich_markup_mode": None}
