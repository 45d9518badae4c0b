"""`wechatsim keys`: make a merchant's keys; rotate the platform's."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wechatsim.cli import control_client, output
from wechatsim.cli.options import GROUP, Json, Url
from wechatsim.signing import keyring

app = typer.Typer(**GROUP, help="Make a merchant's keys; rotate the platform's.")


class KeyMode(StrEnum):
    """How the platform signs for this merchant by default."""

    cert = "cert"
    pubkey = "pubkey"


def _user(text: str) -> dict[str, str]:
    openid, _, rest = text.partition(":")
    mobile, _, nickname = rest.partition(":")
    if not openid:
        raise typer.BadParameter("write OPENID:MOBILE:NICKNAME")
    return {"openid": openid, "mobile": mobile, "nickname": nickname}


@app.command("new")
def keys_new(  # noqa: PLR0917 - typer passes options by name
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where to write; made if missing.")],
    mchid: Annotated[str, typer.Option(help="Merchant number, 10 digits; else random.")] = "",
    appid: Annotated[str, typer.Option(help="Mini program appid; else random.")] = "",
    secret: Annotated[str, typer.Option(help="Mini program secret; else random.")] = "",
    user: Annotated[
        list[str] | None, typer.Option(metavar="OPENID:MOBILE:NICKNAME", help="A user who can pay; repeatable.")
    ] = None,
    key_mode: Annotated[KeyMode, typer.Option(help="What the platform signs with for this merchant.")] = KeyMode.cert,
    as_json: Json = False,
) -> None:
    """Make keys, certificates, ids and users in a folder. Existing files are never overwritten.

    Example:  wechatsim keys new --dir keys --user oBuyer0000000000000000000001:13800000001:小明
    """
    users = [_user(text) for text in user or []]
    try:
        content, fresh = keyring.create(
            folder, mchid=mchid, appid=appid, secret=secret, users=users, key_mode=key_mode.value
        )
    except (keyring.KeyringError, OSError, ValueError) as error:
        output.fail(str(error))
    if not fresh:
        output.info(f"{folder / keyring.MERCHANT_FILE} is already there: nothing was changed")
    data = {"dir": str(folder), "new": fresh, **content}
    shown = {name: value for name, value in data.items() if isinstance(value, str)}
    output.show(data, as_json=as_json, human=lambda: output.pairs(shown))


@app.command("update")
def keys_update(
    folder: Annotated[Path, typer.Option("--dir", help="A folder of `keys new`.")], as_json: Json = False
) -> None:
    """Add the message templates that a folder made by an older version lacks. Keys, ids and users stay.

    Example:  wechatsim keys update --dir keys
    """
    try:
        added = keyring.update(folder)
    except (keyring.KeyringError, OSError) as error:
        output.fail(str(error))
    output.show(
        {"dir": str(folder), "added": added},
        as_json=as_json,
        human=lambda: print(f"added: {', '.join(added) or 'nothing, all of it is there'}"),
    )


@app.command("rotate")
def keys_rotate(
    after: Annotated[str, typer.Option(help="When the new certificate starts to sign: 0s, 10m, 24h.")] = "0s",
    mchid: Annotated[str, typer.Option(help="The merchant; else the first one.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Give the platform of a running sandbox a new certificate. The old one stays listed for another day.

    Example:  wechatsim keys rotate --after 10m
    """
    done = control_client.call(url, "POST", "/_sim/rotate", {"after": after, "mchid": mchid})
    output.show(done, as_json=as_json, human=lambda: output.pairs(done))
