"""The `wechatsim` command. Every command but `serve` and `keys` talks to a running sandbox."""

from __future__ import annotations

import signal
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from wechatsim import __version__, cli_desk, keyring, remote
from wechatsim.cli_desk import Json, Url

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A sandbox for WeChat Pay API v3 and the mini-program server APIs.\n\n"
    "Begin:\n\n  wechatsim keys new --dir keys\n\n  wechatsim serve --keys keys --allow-local-notify\n\n"
    "Then point your SDK at http://127.0.0.1:8090 and, elsewhere, `wechatsim pay ORDER`.",
)
keys_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Make a merchant's keys; rotate the platform's."
)
app.add_typer(keys_app, name="keys")
app.add_typer(cli_desk.events, name="events")
app.add_typer(cli_desk.clock, name="clock")
app.add_typer(cli_desk.faults, name="faults")


class KeyMode(StrEnum):
    """How the platform signs for this merchant by default."""

    cert = "cert"
    pubkey = "pubkey"


class LogFormat(StrEnum):
    """How log lines look."""

    text = "text"
    json = "json"


def _version(*, wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    *, version: Annotated[bool, typer.Option("--version", callback=lambda v: _version(wanted=v), is_eager=True)] = False
) -> None:
    pass


def _user(text: str) -> dict[str, str]:
    openid, _, rest = text.partition(":")
    mobile, _, nickname = rest.partition(":")
    if not openid:
        raise typer.BadParameter("write OPENID:MOBILE:NICKNAME")
    return {"openid": openid, "mobile": mobile, "nickname": nickname}


@keys_app.command("new")
def keys_new(  # noqa: PLR0917 - typer passes options by name
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where to write; made if missing.")],
    mchid: Annotated[str, typer.Option(help="Merchant number, 10 digits; else made up.")] = "",
    appid: Annotated[str, typer.Option(help="Mini program appid; else made up.")] = "",
    secret: Annotated[str, typer.Option(help="Mini program secret; else made up.")] = "",
    user: Annotated[
        list[str] | None, typer.Option(metavar="OPENID:MOBILE:NICKNAME", help="Somebody who can pay; repeatable.")
    ] = None,
    key_mode: Annotated[KeyMode, typer.Option(help="What the platform signs with for this merchant.")] = KeyMode.cert,
    as_json: Json = False,
) -> None:
    """Make keys, certificates, ids and users in a folder. What exists is never overwritten.

    Example:  wechatsim keys new --dir keys --user oBuyer0000000000000000000001:13800000001:小明
    """
    users = [_user(text) for text in user or []]
    try:
        content, fresh = keyring.create(
            folder, mchid=mchid, appid=appid, secret=secret, users=users, key_mode=key_mode.value
        )
    except (keyring.KeyringError, OSError, ValueError) as error:
        remote.fail(str(error))
    if not fresh:
        remote.say(f"{folder / keyring.MERCHANT_FILE} is already there: nothing was changed")
    data = {"dir": str(folder), "new": fresh, **content}
    shown = {name: value for name, value in data.items() if isinstance(value, str)}
    remote.show(data, as_json=as_json, human=lambda: remote.facts(shown))


@keys_app.command("update")
def keys_update(
    folder: Annotated[Path, typer.Option("--dir", help="A folder of `keys new`.")], as_json: Json = False
) -> None:
    """Add the message templates that a folder made by an older version lacks. Keys, ids and users stay.

    Example:  wechatsim keys update --dir keys
    """
    try:
        added = keyring.update(folder)
    except (keyring.KeyringError, OSError) as error:
        remote.fail(str(error))
    remote.show(
        {"dir": str(folder), "added": added},
        as_json=as_json,
        human=lambda: print(f"added: {', '.join(added) or 'nothing, all of it is there'}"),
    )


@app.command()
def serve(  # noqa: PLR0917 - typer passes options by name
    keys: Annotated[
        list[Path], typer.Option(envvar="WECHATSIM_KEYS", metavar="DIR", help="A folder of `keys new`; repeatable.")
    ],
    host: Annotated[str, typer.Option(envvar="WECHATSIM_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="WECHATSIM_PORT", help="The port to listen on; 0 takes a free one.")
    ] = 8090,
    store: Annotated[str, typer.Option(envvar="WECHATSIM_STORE", help="An SQLite file, or :memory:.")] = ":memory:",
    public_url: Annotated[
        str, typer.Option(envvar="WECHATSIM_PUBLIC_URL", help="What bill download links begin with.")
    ] = "",
    log_format: Annotated[
        LogFormat, typer.Option(envvar="WECHATSIM_LOG_FORMAT", help="One line each, for people or for programs.")
    ] = LogFormat.text,
    log_level: Annotated[
        str, typer.Option(envvar="WECHATSIM_LOG_LEVEL", help="debug, info (each refusal), warning or error.")
    ] = "warning",
    allow_local_notify: Annotated[
        bool,
        typer.Option(
            "--allow-local-notify", envvar="WECHATSIM_ALLOW_LOCAL_NOTIFY", help="Take http and loopback notify_url."
        ),
    ] = False,
    allow_remote_control: Annotated[
        bool,
        typer.Option(
            "--allow-remote-control", envvar="WECHATSIM_ALLOW_REMOTE_CONTROL", help="Answer /_sim to any host."
        ),
    ] = False,
    magic_amounts: Annotated[
        bool, typer.Option(envvar="WECHATSIM_MAGIC_AMOUNTS", help="Let totals of 777701 … fen cause faults.")
    ] = True,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            envvar="WECHATSIM_STRICT",
            help="A minute between refunds of an order, bills from 10:00, requests a second.",
        ),
    ] = False,
) -> None:
    """Run the sandbox until Ctrl-C or SIGTERM. Every option is also an environment variable.

    Example:  wechatsim serve --keys keys --store sim.db --allow-local-notify
    """
    # The server's libraries take a while to import; no other command needs them.
    import uvicorn  # noqa: PLC0415

    from wechatsim import server  # noqa: PLC0415
    from wechatsim.sim import Settings  # noqa: PLC0415

    server.set_up_logging(log_format.value, log_level)
    settings = Settings(
        keys=tuple(keys),
        store=store,
        allow_local_notify=allow_local_notify,
        allow_remote_control=allow_remote_control,
        magic_amounts=magic_amounts,
        strict=strict,
        public_url=public_url.rstrip("/"),
    )
    try:
        config = server.config(settings, host, port)
    except keyring.KeyringError as error:
        message, _, hint = str(error).partition("\nhint: ")
        remote.fail(message, hint)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        remote.fail(f"cannot listen on {host}:{port} ({error.strerror})", "choose another --port or --host")
    base = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    try:
        remote.say(f"wechatsim {__version__} on {base} · console {base}/_sim/console")
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        remote.say("stopped")


@app.command()
def pay(
    out_trade_no: Annotated[str, typer.Argument(help="The merchant's order number.")],
    openid: Annotated[str, typer.Option(help="Who pays; must be the order's payer.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Pay an order, as its payer would. The notification leaves at once.

    Example:  wechatsim pay PMT2026080112000012345678
    """
    body = {"out_trade_no": out_trade_no, "openid": openid}
    paid = remote.call(url, "POST", "/_sim/pay", body)
    remote.show(
        paid,
        as_json=as_json,
        human=lambda: print(f"paid {remote.yuan(paid['amount']['total'])}  {paid['transaction_id']}"),
    )


@app.command()
def code(
    openid: Annotated[str, typer.Argument(help="The user; an unknown one is made.")],
    mobile: Annotated[str, typer.Option(help="Set the user's phone number.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Get a login code, as wx.login gives it. With it come a phone code and the encrypted phone number.

    Example:  wechatsim code oBuyer0000000000000000000001 --json
    """
    made = remote.call(url, "POST", "/_sim/code", {"openid": openid, "mobile": mobile})
    remote.show(made, as_json=as_json, human=lambda: remote.facts(made))


@app.command()
def messages(
    openid: Annotated[str, typer.Option(help="Only this user's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """List the subscribe messages that were delivered.

    Example:  wechatsim messages --openid oBuyer0000000000000000000001
    """
    found: dict[str, Any] = remote.call(url, "GET", "/_sim/messages", query={"openid": openid})
    rows = [
        [m["id"], m["openid"], m["title"], " ".join(f"{k}={v}" for k, v in m["data"].items())]
        for m in found["messages"]
    ]
    remote.show(found, as_json=as_json, human=lambda: remote.table(["#", "openid", "message", "data"], rows))


@app.command()
def sms(
    mobile: Annotated[str, typer.Option(help="Only this phone's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """List the text messages that were sent to phones, newest first.

    Example:  wechatsim sms --mobile 13800000001
    """
    found: dict[str, Any] = remote.call(url, "GET", "/_sim/sms", query={"mobile": mobile})
    rows = [[m["at"], m["mobile"], m["text"]] for m in found["sms"]]
    remote.show(found, as_json=as_json, human=lambda: remote.table(["at", "mobile", "text"], rows))


@keys_app.command("rotate")
def keys_rotate(
    after: Annotated[str, typer.Option(help="When the new certificate begins to sign: 0s, 10m, 24h.")] = "0s",
    mchid: Annotated[str, typer.Option(help="Whose; else the first merchant's.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Give the platform of a running sandbox a new certificate. The old one stays listed for a day more.

    Example:  wechatsim keys rotate --after 10m
    """
    done = remote.call(url, "POST", "/_sim/rotate", {"after": after, "mchid": mchid})
    remote.show(done, as_json=as_json, human=lambda: remote.facts(done))


for command in (cli_desk.refund, cli_desk.trigger, cli_desk.listen, cli_desk.books):
    app.command()(command)


def main() -> None:
    """The console script. SIGTERM ends it as Ctrl-C does, also in the background job of a script, which ignores SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    app()
