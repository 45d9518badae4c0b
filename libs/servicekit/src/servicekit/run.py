"""`python -m <service>`: serve; `… migrate`: bring the database up to date; a service adds its own commands.

What a command does not need it does not import: a server is 1.5 s of processor time, and `migrate` runs before each.
"""

import os
import pwd
import socket
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from servicekit import garbage

DATABASE_UNKNOWN = os.EX_DATAERR
"""Exit code of `migrate` for migrate.UnknownRevision; tools/stack adds what to do about it."""


def command_line(name: str, *, app: str = "", stateful: bool = True, more: str = "") -> typer.Typer:
    """The commands that every service has. `app`, `<module>:<function>`, makes the FastAPI app of settings; where it is not
    given, `<name>.main:create_app` does. `<name>.settings.Settings` are read when a command runs, never at import. `more`:
    the module whose `cli` has further commands, imported when one of these, or help, is asked for."""
    module, _, function = (app or f"{name}.main:create_app").partition(":")
    group = _with_further_commands(more) if more else TyperGroup
    cli = typer.Typer(cls=group, no_args_is_help=False, add_completion=False, pretty_exceptions_enable=False)

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
            garbage.pause()  # to the end, which is near
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


def _with_further_commands(module: str) -> type[TyperGroup]:
    """A group that imports `module` only for the commands that it does not have itself."""

    class WithFurtherCommands(TyperGroup):
        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return super().get_command(ctx, cmd_name) or self._further.get_command(ctx, cmd_name)

        def list_commands(self, ctx: Any) -> list[str]:
            return [*super().list_commands(ctx), *self._further.list_commands(ctx)]

        @cached_property
        def _further(self) -> TyperGroup:
            return get_group(import_module(module).cli)

    return WithFurtherCommands


def user_and_host() -> str:
    """Who runs a command, for the audit: the user of this process, not what the environment claims, and the host."""
    number = os.getuid()
    try:
        login = pwd.getpwuid(number).pw_name
    except KeyError:  # the user id has no name, as in a container
        login = f"uid {number}"
    return f"{login}@{socket.gethostname()}"
