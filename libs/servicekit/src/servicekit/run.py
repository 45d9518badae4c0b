"""`python -m <service>`: serve; `… migrate`: bring the database up to date; a service adds its own commands.

What a command does not need it does not import: a server is 1.5 s of processor time, and `migrate` runs before each.
"""

import os
import pwd
import socket
from importlib import import_module

import typer

from servicekit import garbage

DATABASE_UNKNOWN = os.EX_DATAERR
"""Exit code of `migrate` for migrate.UnknownRevision; tools/stack adds what to do about it."""


def command_line(name: str, *, app: str = "", stateful: bool = True) -> typer.Typer:
    """The commands that every service has. `app`, `<module>:<function>`, makes the FastAPI app of settings; where it is not
    given, `<name>.main:create_app` does. `<name>.settings.Settings` are read when a command runs, never at import."""
    module, _, function = (app or f"{name}.main:create_app").partition(":")
    cli = typer.Typer(no_args_is_help=False, add_completion=False, pretty_exceptions_enable=False)

    @cli.callback(invoke_without_command=True)
    def serve(context: typer.Context) -> None:
        """Serve until SIGTERM; requests in flight are finished first."""
        if context.invoked_subcommand is None:
            garbage.pause()  # until serve_app resumes
            from servicekit.serving import serve_app  # noqa: PLC0415 - see above

            settings = import_module(f"{name}.settings").Settings.load()
            serve_app(name, settings, getattr(import_module(module), function))

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


def user_and_host() -> str:
    """Who runs a command, for the audit: the user of this process, not what the environment claims, and the host."""
    number = os.getuid()
    try:
        login = pwd.getpwuid(number).pw_name
    except KeyError:  # the user id has no name, as in a container
        login = f"uid {number}"
    return f"{login}@{socket.gethostname()}"
