"""`minsu ops enrol` sets up the operator's authenticator, or replaces it; `minsu ops code` stands in for one on a
laptop."""

import sys

import pyotp
import segno
import typer

from minsu import settings, show
from minsu.api import Api
from minsu.errors import CommandFailed
from minsu.ops_options import AsJson, ask_for_code

app = typer.Typer()


@app.command()
def code() -> None:
    """Print a one-time code of OPERATOR_TOTP_SECRET, for the console's sign-in on a laptop without a phone."""
    chosen = settings.load()
    if not chosen.operator_totp_secret:
        raise CommandFailed("OPERATOR_TOTP_SECRET is not set", "your authenticator shows the code")
    typer.echo(pyotp.TOTP(chosen.operator_totp_secret).now())


@app.command()
def enrol(as_json: AsJson = False) -> None:
    """Set up your authenticator by a QR code in the terminal; replacing one takes a code of it. Prints recovery codes."""
    chosen = settings.load()
    account = chosen.account("OPERATOR")
    with Api(chosen.gateway_url, language=chosen.language) as api:
        proof = {"password": account.password}
        if api.sign_in(account).get("operatorNeeds") == "code":
            proof["totpCode"] = ask_for_code()
        made = api.call("/usercenter/v1/user/totpEnrol", proof)
        segno.make(made["otpauthUri"], error="l").terminal(sys.stderr, compact=True)
        typer.echo(f"Scan it with the authenticator, or type the key {made['secret']}", err=True)
        code = str(typer.prompt("The six digits that it shows", err=True)).strip()
        done = api.call("/usercenter/v1/user/totpConfirm", {"totpCode": code})
        api.token = done["token"]["accessToken"]  # one of before is void where another authenticator was replaced
    typer.echo("Each of these stands in for one code of a lost phone. They are shown only once:", err=True)
    show.rows([{"recoveryCode": each} for each in done["recoveryCodes"]], ("recoveryCode",), json_wanted=as_json)
