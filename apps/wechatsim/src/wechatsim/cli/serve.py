"""`wechatsim serve`: run the sandbox."""

from __future__ import annotations

import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wechatsim import __version__
from wechatsim.cli import output
from wechatsim.signing import keyring


class LogFormat(StrEnum):
    """The format of log lines."""

    text = "text"
    json = "json"


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
        str, typer.Option(envvar="WECHATSIM_PUBLIC_URL", help="The prefix of bill download links.")
    ] = "",
    log_format: Annotated[
        LogFormat, typer.Option(envvar="WECHATSIM_LOG_FORMAT", help="One line per entry: plain text or JSON.")
    ] = LogFormat.text,
    log_level: Annotated[
        str, typer.Option(envvar="WECHATSIM_LOG_LEVEL", help="debug, info (each error response), warning or error.")
    ] = "warning",
    allow_local_notify: Annotated[
        bool,
        typer.Option(
            "--allow-local-notify", envvar="WECHATSIM_ALLOW_LOCAL_NOTIFY", help="Accept http and loopback notify_url."
        ),
    ] = False,
    allow_remote_control: Annotated[
        bool,
        typer.Option(
            "--allow-remote-control", envvar="WECHATSIM_ALLOW_REMOTE_CONTROL", help="Serve /_sim to any host."
        ),
    ] = False,
    magic_amounts: Annotated[
        bool, typer.Option(envvar="WECHATSIM_MAGIC_AMOUNTS", help="Let order totals from 777701 fen on cause faults.")
    ] = True,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            envvar="WECHATSIM_STRICT",
            help="A minute between refunds of an order, bills from 10:00, rate limits.",
        ),
    ] = False,
) -> None:
    """Run the sandbox until Ctrl-C or SIGTERM. Every option is also an environment variable.

    Example:  wechatsim serve --keys keys --store sim.db --allow-local-notify
    """
    # Imported here because it takes a while; no other command needs it.
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
        output.fail(message, hint)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        output.fail(f"cannot listen on {host}:{port} ({error.strerror})", "choose another --port or --host")
    base = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    try:
        output.info(f"wechatsim {__version__} on {base} · console {base}/_sim/console")
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        output.info("stopped")
