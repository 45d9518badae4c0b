"""`wechatsim code`, `messages` and `sms`: login codes, and what was sent to the user's phone."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wechatsim.cli import control_client, output
from wechatsim.cli.options import Json, Url


def code(
    openid: Annotated[str, typer.Argument(help="The user; an unknown one is created.")],
    mobile: Annotated[str, typer.Option(help="Set the user's phone number.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Get a login code, as wx.login gives it. Also a phone code and the encrypted phone number.

    Example:  wechatsim code oBuyer0000000000000000000001 --json
    """
    made = control_client.call(url, "POST", "/_sim/code", {"openid": openid, "mobile": mobile})
    output.show(made, as_json=as_json, human=lambda: output.pairs(made))


def messages(
    openid: Annotated[str, typer.Option(help="Only this user's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """List the subscribe messages that were delivered.

    Example:  wechatsim messages --openid oBuyer0000000000000000000001
    """
    found: dict[str, Any] = control_client.call(url, "GET", "/_sim/messages", query={"openid": openid})
    rows = [
        [m["id"], m["openid"], m["title"], " ".join(f"{k}={v}" for k, v in m["data"].items())]
        for m in found["messages"]
    ]
    output.show(found, as_json=as_json, human=lambda: output.table(["#", "openid", "message", "data"], rows))


def sms(
    mobile: Annotated[str, typer.Option(help="Only this phone's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """List the text messages that were sent to phones, newest first.

    Example:  wechatsim sms --mobile 13800000001
    """
    found: dict[str, Any] = control_client.call(url, "GET", "/_sim/sms", query={"mobile": mobile})
    rows = [[m["at"], m["mobile"], m["text"]] for m in found["sms"]]
    output.show(found, as_json=as_json, human=lambda: output.table(["at", "mobile", "text"], rows))
