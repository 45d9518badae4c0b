"""`python -m <service>`: serve; `… migrate`: bring the database up to date; a service adds its own commands."""

import contextlib
import os
import pwd
import resource
import socket
from collections.abc import Callable
from typing import TypeVar

import typer
import uvicorn
from fastapi import FastAPI

from servicekit.bounds import protocol_of
from servicekit.crowd import Bounds, Crowd, networks
from servicekit.draining import DrainingServer
from servicekit.settings import ServiceSettings
from servicekit.telemetry.logs import configure_logging

S = TypeVar("S", bound=ServiceSettings)
STARTUP_FAILED = 3
DATABASE_UNKNOWN = os.EX_DATAERR
"""Exit code of `migrate` for migrate.UnknownRevision; tools/stack adds what to do about it."""
MOST_FILES = 65_536
FILES_FOR_OTHERS = 512
"""Of those a process may open: the database, the sidecar, WeChat and the log keep theirs when visitors take all else."""


def command_line(
    name: str,
    settings: type[S],
    create_app: Callable[[S], FastAPI],
    *,
    stateful: bool = True,
) -> typer.Typer:
    """The commands that every service has. Settings are read when a command runs, never at import."""
    cli = typer.Typer(no_args_is_help=False, add_completion=False, pretty_exceptions_enable=False)

    @cli.callback(invoke_without_command=True)
    def serve(context: typer.Context) -> None:
        """Serve until SIGTERM; requests in flight are finished first."""
        if context.invoked_subcommand is None:
            serve_app(name, settings.load(), create_app)

    if stateful:

        @cli.command("migrate")
        def migrate_database() -> None:
            """Bring the database to the newest revision, once, however many run this at the same time, and give the
            service's role its rights. Connects as the owner of the tables: the service's own role may not change them."""
            from servicekit import migrate  # noqa: PLC0415 - Alembic and its driver, 17 MB that no server needs

            owner, role = (f"{name.upper()}_{which}" for which in ("OWNER_DATABASE_URL", "DATABASE_ROLE"))
            url = os.environ.get(owner)
            if not url:
                raise typer.BadParameter(f"{owner} is not set")
            try:
                migrate.upgrade(name, url, os.environ.get(role, ""))
            except migrate.UnknownRevision as error:
                typer.echo(str(error), err=True)
                raise SystemExit(DATABASE_UNKNOWN) from None
            typer.echo(f"{name}: database is up to date")

    return cli


def serve_app(name: str, settings: S, create_app: Callable[[S], FastAPI]) -> None:
    configure_logging(name, log_format=settings.log_format, level=settings.log_level)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from servicekit.telemetry import export  # noqa: PLC0415 - the SDK: nothing of it where no traces are wanted

        export.start(name)
    crowd = Crowd(bounds_of(settings))
    config = uvicorn.Config(
        create_app(settings),
        host=settings.app_host,
        port=settings.app_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_keep_alive=int(crowd.bounds.idle_seconds),
        loop="uvloop",
        http=protocol_of(crowd),
        ws="none",
    )
    sidecar = (settings.dapr_host, settings.dapr_http_port)
    server = DrainingServer(config, sidecar=sidecar, longest_seconds=settings.drain_seconds, crowd=crowd)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(STARTUP_FAILED)


def user_and_host() -> str:
    """Who runs a command, for the audit: the user of this process, not what the environment claims, and the host."""
    number = os.getuid()
    try:
        login = pwd.getpwuid(number).pw_name
    except KeyError:  # the user id has no name, as in a container
        login = f"uid {number}"
    return f"{login}@{socket.gethostname()}"


def bounds_of(settings: ServiceSettings) -> Bounds:
    return Bounds(
        connections=max(1, min(settings.connections, _files() - FILES_FOR_OTHERS)),
        per_address=settings.connections_per_address,
        trusted=networks(settings.trusted_peers),
        arrive_seconds=settings.arrive_seconds,
        uploads={each.path.encode(): each.most_bytes for each in settings.uploads},
    )


def _files() -> int:
    """How many files this process may have open, after asking for as many as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft
