"""`python -m payment check-wechat` verifies the merchant's configuration, `… reconcile` compares a day's bill with the
ledger."""

import asyncio

import typer

from payment import preflight
from payment.reconcile_command import reconcile
from payment.settings import PaymentSettings
from servicekit import secrets
from servicekit.clock import utc_now

cli = typer.Typer()
cli.command()(reconcile)


@cli.command("check-wechat")
def check_wechat() -> None:
    """Check keys, certificate, signatures both ways, clock and notify URLs with WeChat. Exit code 1 when a check fails.

    Secrets come from PAYMENT_WXPAY_MCH_PRIVATE_KEY_FILE, …_APIV3_KEY_FILE and …_PUBLIC_KEY_FILE where they are set, else
    from the Dapr secret store beside this service.
    """
    raise typer.Exit(0 if asyncio.run(_report(PaymentSettings.load())) else 1)


async def _report(settings: PaymentSettings) -> bool:
    try:
        held = preflight.secrets_of_files() or await secrets.fetch(settings, "payment", attempts=20)
    except secrets.BadSecret as error:
        typer.echo(str(preflight.unusable(error)))
        return False
    well = True
    async for finding in preflight.check(settings, held, utc_now):
        typer.echo(str(finding))
        well = well and finding.ok
    return well
