"""`python -m payment reconcile`: reconciles one day from the command line."""

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from payment.daily.bill_comparison import AlreadyRunning, AnotherDaysBill
from payment.daily.reconciliation import Progress
from payment.parts import Parts
from payment.preflight import secrets_of_files
from payment.settings import PaymentSettings
from payment.wechat.bills import BillNotReady
from payment.wechat.errors import BadBill, WechatError
from servicekit import secrets
from servicekit.errors import Unavailable
from servicekit.run import user_and_host

EVERY_SECONDS = 1.0


class Format(StrEnum):
    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def reconcile(
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="A day in Shanghai; default: yesterday."),
    ] = None,
    shape: Annotated[Format, typer.Option("--format", help="The report on standard output.")] = Format.TEXT,
    bill: Annotated[
        Path | None,
        typer.Option(
            "--bill", exists=True, dir_okay=False, help="A downloaded trade bill; default: download it from WeChat."
        ),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Your name for the audit log, in addition to login and host.")] = "",
) -> None:
    """Compare a day's bill with the ledger, repair the differences, report them. A second run changes nothing.

    Before a repair WeChat is queried, also with --bill, so the secrets are needed:
    from PAYMENT_WXPAY_MCH_PRIVATE_KEY_FILE, …_APIV3_KEY_FILE and …_PUBLIC_KEY_FILE or the Dapr secret store.
    """
    settings = PaymentSettings.load()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )  # the report has everything
    try:
        asyncio.run(_reconcile(settings, day.date() if day else None, shape, bill, by))
    except (AlreadyRunning, AnotherDaysBill, BadBill, BillNotReady, Unavailable, WechatError, RuntimeError) as error:
        typer.echo(f"error: {error or type(error).__name__}", err=True)
        raise typer.Exit(1) from None


async def _reconcile(settings: PaymentSettings, day: date | None, shape: Format, bill: Path | None, by: str) -> None:
    held = secrets_of_files() or await secrets.fetch(settings, "payment", attempts=20)
    parts = Parts.of(settings, held)
    try:
        day = day or parts.reconciler.yesterday()
        with _progress() as progress:
            who = f"{by} ({user_and_host()})" if by else user_and_host()
            await parts.reconciler.run(day, bill=bill, by=who, progress=progress)
        report = parts.report
        shapes: dict[Format, Callable[[date], AsyncIterator[str]]] = {
            Format.TEXT: report.text,
            Format.CSV: report.csv,
            Format.JSON: report.json,
        }
        async for part in shapes[shape](day):
            sys.stdout.write(part)
    finally:
        await parts.close()
        await parts.sidecar.close()
        await parts.db.close()


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on a terminal, elsewhere a JSON line per second. Both on standard error; the report is the output."""
    yield _Bar() if sys.stderr.isatty() else _Lines()
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


class _Bar:
    WIDTH = 40

    def __call__(self, phase: str, done: int, of: int) -> None:
        share = min(1.0, done / of) if of else 0.0
        bar = "█" * int(share * self.WIDTH)
        sys.stderr.write(f"\r\033[K{phase:<9} {bar:<{self.WIDTH}} {share:>4.0%}" if of else f"\r\033[K{phase} …")
        sys.stderr.flush()


class _Lines:
    def __init__(self) -> None:
        self._phase, self._next = "", 0.0

    def __call__(self, phase: str, done: int, of: int) -> None:
        now = time.monotonic()
        if phase == self._phase and now < self._next and done < of:
            return
        self._phase, self._next = phase, now + EVERY_SECONDS
        line: dict[str, Any] = {"phase": phase, "done": done, "of": of or None}
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()
