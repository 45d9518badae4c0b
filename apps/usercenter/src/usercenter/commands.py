"""`python -m usercenter seed`, `roles`, `second-factor`, `password`."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from servicekit.errors import NotFound
from usercenter.errors import PasswordTooCommon, PasswordTooShort
from usercenter.models import User
from usercenter.roles import Change, NotProven, Role, Roles
from usercenter.seed import SeedSettings, seed

if TYPE_CHECKING:
    from usercenter.parts import CommandParts

T = TypeVar("T")
cli = typer.Typer()
HOW_TO_PROVE = "Its owner proves it by a WeChat sign-in or by registering with a code; or vouch for it: --vouch REASON"

REQUESTS_REMAIN = (
    "What operator {id} has asked for outlives the role: decline it (minsu ops approvals, then decline), also the hosts and"
    " refunds that you did not expect (minsu ops acts)."
)


@cli.command("seed")
def seed_people() -> None:
    """Insert the demo's users, or reset them to the values in the environment. Idempotent."""
    count = asyncio.run(seed(SeedSettings.load()))
    sys.stdout.write(f"usercenter: {count} users seeded\n")


def _system_user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # the user id has no name, as in a container
        return f"uid {os.getuid()}"


def _with_parts(database_url: str, work: Callable[["CommandParts"], Awaitable[T]]) -> T:
    """What `work` returns; the parts that it gets are closed after it. An account that is not there ends the command."""
    from usercenter.parts import CommandParts  # noqa: PLC0415 - the whole service, which other commands do not need

    async def run() -> T:
        parts = CommandParts.of(database_url)
        try:
            return await work(parts)
        finally:
            await parts.close()

    try:
        return asyncio.run(run())
    except NotFound as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@cli.command("roles")
def roles(  # noqa: PLR0917 - typer passes options by name
    database_url: Annotated[str, typer.Option(envvar="USERCENTER_DATABASE_URL", show_default=False)],
    mobile: Annotated[str | None, typer.Argument(help="Without it: list all accounts that have a role.")] = None,
    grant: Annotated[list[Role] | None, typer.Option(help="May be given more than once.")] = None,
    revoke: Annotated[list[Role] | None, typer.Option(help="Voids the account's tokens within a minute.")] = None,
    vouch: Annotated[str, typer.Option(help="Why this account's number counts as proven; recorded.")] = "",
    actor: Annotated[str, typer.Option(help="Who does this; recorded.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Show the account of MOBILE and its roles, and change them. `minsu ops acts` lists all changes."""

    def run(work: Callable[[Roles], Awaitable[T]]) -> T:
        return _with_parts(database_url, lambda parts: work(parts.roles))

    change = Change(grant or (), revoke or (), vouch)
    try:
        if mobile is None:
            if change:
                raise typer.BadParameter("a change needs an account: give MOBILE")
            for each in run(Roles.holders):
                typer.echo(f"{each.id}\t{each.mobile}\t{', '.join(each.roles)}\t{_proof(each)}\t{each.nickname}")
            return
        found = run(lambda roles: roles.account(mobile))
        _show(found)
        if not change:
            return
        if not yes and typer.prompt(f"Type the id {found.id} to confirm", err=True) != str(found.id):
            typer.echo("wrong id: nothing was changed", err=True)
            raise typer.Exit(1)
        by = actor or _system_user()
        done = run(lambda roles: roles.change(found.id, change, actor=by))
        typer.echo(f"{mobile}: {', '.join(done.roles)}")
        if Role.OPERATOR in change.revoke:
            typer.echo(REQUESTS_REMAIN.format(id=done.id), err=True)
    except NotProven as error:
        typer.echo(f"{error}. {HOW_TO_PROVE}", err=True)
        raise typer.Exit(1) from None


@cli.command("second-factor")
def second_factor(
    database_url: Annotated[str, typer.Option(envvar="USERCENTER_DATABASE_URL", show_default=False)],
    mobile: Annotated[str, typer.Argument()],
    reset: Annotated[str, typer.Option(help="Why; recorded. Its owner has lost phone and recovery codes.")],
    actor: Annotated[str, typer.Option(help="Who does this; recorded.")] = "",
) -> None:
    """Forget the second factor of MOBILE's account and its password, and void its tokens: set a password by `password`,
    with which the owner enrols anew. Check whom you talk to."""

    async def forget(parts: "CommandParts") -> bool:
        user = await parts.roles.account(mobile)
        return await parts.second_factors.reset(user.id, actor=actor or _system_user(), note=reset)

    done = _with_parts(database_url, forget)
    typer.echo(f"{mobile}: {'second factor and password are forgotten' if done else 'there was none'}")


@cli.command("password")
def password(
    database_url: Annotated[str, typer.Option(envvar="USERCENTER_DATABASE_URL", show_default=False)],
    mobile: Annotated[str, typer.Argument()],
    reason: Annotated[str, typer.Option(help="Why; recorded.")],
    actor: Annotated[str, typer.Option(help="Who does this; recorded.")] = "",
) -> None:
    """Set a password for MOBILE's account, and void its tokens. It is typed, or the first line of the input. Check whom
    you talk to; they change it at once."""
    is_typed = sys.stdin.isatty()
    new = typer.prompt("New password", hide_input=True, err=True) if is_typed else sys.stdin.readline().rstrip("\n")

    async def put(parts: "CommandParts") -> None:
        await parts.password_reset.of(mobile, new, actor=actor or _system_user(), note=reason)

    try:
        _with_parts(database_url, put)
    except (PasswordTooShort, PasswordTooCommon) as error:
        typer.echo(f"refused: {error.slug}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{mobile}: the password is set")


def _proof(user: User) -> str:
    return f"{user.mobile_proven_at:%Y-%m-%d} by {user.mobile_proven_by}" if user.mobile_proven_at else "not proven"


def _show(user: User) -> None:
    facts = {
        "id": user.id,
        "nickname": user.nickname,
        "mobile": user.mobile,
        "registered": f"{user.created_at:%Y-%m-%d %H:%M} UTC",
        "proven": _proof(user),
        "roles": ", ".join(user.roles) + ("" if user.roles == user.roles_in_force else " (not in force: not proven)"),
    }
    for name, value in facts.items():
        typer.echo(f"{name:<11}{value}")
